"""The words and numbers that the sample world's training rows are made of."""

from __future__ import annotations

from hive_mind.demo.lexicon import WEEKDAYS, Lexicon, lines, words
from hive_mind.demo.lexicon_held_out import MINUTES, NUMBERS

TRAINING = Lexicon(
    cities=words(
        """
        Lisbon Berlin Oslo Madrid Vienna Dublin Prague Athens Helsinki Rome Paris Boston Chicago Denver Seattle
        Toronto Tokyo Seoul Delhi Cairo Nairobi Lagos Lima Quito Sydney Perth Hamburg Munich Cologne Zurich
        Geneva Milan Naples Turin Lyon Nice Ghent Bruges Leeds York Bergen Malmo Gdansk Riga Porto Seville
        Granada Austin Dallas Miami Graz Salzburg Braga Bilbao Malaga Toulouse Nantes Lille Bordeaux Bremen
        Dresden Essen Kiel Mainz Ulm Trieste Verona Genoa Pisa Delft Utrecht Leiden Aarhus Odense Turku Tampere
        Vilnius Kaunas Warsaw Lublin Brno Bratislava Budapest Zagreb Split Belgrade Sofia Varna Bucharest Izmir
        Ankara Tunis Rabat Dakar Kigali Kampala Lusaka Harare Durban Hanoi Manila Jakarta Bangkok Taipei Kyoto
        Nagoya Busan Pune Chennai Karachi Dubai Doha Amman Brisbane Hobart Auckland Montreal Ottawa Calgary
        Detroit Memphis Tulsa Omaha Tucson Portland Santiago Cordoba Recife Cusco
        """
    ),
    people=words(
        """
        Anna Ben Carla David Emma Felix Grace Henry Ida Jonas Kira Leo Maria Nils Olga Paul Rosa Simon Tina
        Victor Wendy Adam Bella Chris Dora Erik Fiona George Hanna Ivan Julia Karl Laura Max Nora Oscar Petra
        Rita Stefan Thomas Vera Walter Alice Bruno Clara Dennis Aaron Agnes Albert Amelia Anton Astrid Barbara
        Beatrice Cecilia Charlotte Claudia Daniel Deborah Dominic Eleanor Elias Elena Ernest Esther Eva Florence
        Frank Freya Gabriel Gerda Gina Hugo Ines Isaac Ingrid Jacob Jane Jasper Joan Johanna Joseph Kevin Konrad
        Lena Lewis Lucia Lukas Magda Marcus Mario Matilda Michael Mila Nadia Nathan Nina Noah Otto Patrick Pia
        Ralph Rebecca Richard Ruth Samuel Sara Sofia Susan Theo Tom Ulrich Ursula Vincent Yvonne Zoe
        """
    ),
    surnames=words(
        """
        Baker Carter Ellis Fischer Garcia Hoffman Jansen Keller Lopez Moreau Novak Olsen Quinn Rossi Schmidt
        Tanaka Weber Young Costa Engel Meyer Nielsen Ortiz Reed Silva Torres Vogel Wagner Brown Clark Evans Hall
        Martin Parker Adams Almeida Andersen Bailey Barnes Becker Bell Berg Bishop Blanc Bosch Brandt Bruno
        Campbell Castillo Cooper Cruz Dahl Davies Delgado Dixon Duarte Duncan Eriksen Farrell Ferrari Fontana
        Foster Franke Gallo Gibson Graham Gruber Haas Harper Herrera Hughes Ibsen Jacobs Jensen Kaiser Kelly Kim
        Koch Kraus Lang Larsen Lehmann Lind Lombardi Marino Mendes Miller Morgan Murphy Nash Nguyen Nolan
        Oliveira Palmer Pereira Perez Porter Ramos Richter Rivera Romano Santos Sato Schneider Shaw Simmons
        Sousa Stone Suzuki Turner Valdez Vega Walker Watson Wood Wright Yamada Zimmer
        """
    ),
    nouns=words(
        """
        river garden window summer letter mountain budget kitchen paper market engine bridge winter island
        mirror planet bicycle report camera forest ocean candle school village pillow ticket button morning
        lemon silver rocket tunnel basket hammer ladder meadow blanket castle harvest pocket guitar street
        station battery carpet dragon feather flower golden hotel jacket lantern magnet needle orange painting
        quarter rainbow saddle teapot umbrella valley wagon yard zebra apple banner circle dinner evening fabric
        acorn airport album almond apron arrow badge balloon balcony bamboo banana barn bathtub beach bean bear
        bell belt berry bird biscuit boat bone book boot bottle bowl box branch brass bread brick broom brush
        bucket bus butter cabin cable cactus cake calculator camel canal canoe cap card carrot cart cat cave
        cellar chain chair chalk cheese cherry chess chest clay cliff clock cloud clover coat coconut coin comb
        copper coral cork corn cotton couch crane crayon cream crown cube cup curtain cushion desk dictionary
        dish dolphin donkey door drawer drum duck eagle earring egg elephant envelope eraser fan farm fence fern
        field finger fire fish flag flute foot fork fox frame frog fruit gate ghost giraffe glass globe glove
        goat gold goose grape grass gravel hall hand harp hat hawk heart hedge hen herb hill honey hook horse
        hose house ice ink iron ivory jar jewel juice keyboard key kite knife knot lake lamb lamp lawn leaf
        leather lens library lid lily lion lizard lock log lunch machine map mask mat medal melon menu metal
        milk mill mint monkey moon moss moth mouse mud mug mushroom music nail napkin nest net newspaper nut oak
        oar oil olive onion otter oven owl ox pan panda panel parrot path peach peanut pear pearl pebble pen
        pencil pepper piano pigeon pin pine pipe plant plate plum pond pony pot potato powder prism pump puppet
        purse puzzle rabbit radio rain raft rake ring road robe robin robot rock roof room root rope rose ruler
        sail salt sand scale scarf screw sea seal seed shadow shark sheep shelf shell ship shirt shoe shovel
        silk sink skirt sky sled snail snake snow soap sock sofa spider sponge spoon spring squirrel stair stamp
        star statue steam stick stone stool stove straw sugar suit sun swan sweater table tail tank tent thread
        tiger tile toast toe tomato tooth towel tower toy train tray tree truck tulip turtle vase violin wall
        walnut watch water wave wax whale wheat wheel wing wire wolf wood wool worm wreath
        """
    ),
    adjectives=words(
        """
        small quiet bright early broken heavy simple yellow gentle hidden lonely modern narrow open plain quick
        red sharp tiny urgent warm young blue clean deep empty fresh green huge old private rough slow tall
        weekly yearly able active amber awkward bare bold brave brief brown busy calm careful cheap cheerful
        cold common cool cruel curious daily damp dark dear dim dizzy dry dull eager easy even exact famous
        fancy fat fine firm flat foreign formal free frozen full funny giant glad golden grey handy happy hard
        healthy honest hot humble idle jealous kind large late lazy light little local long loose loud low lucky
        mad magic mild neat new nice odd orange pale patient perfect pink polished poor pretty proud pure purple
        rare raw ready real rich ripe round royal rusty sad safe salty scarlet secret serious shallow short shy
        silent silly smart smooth soft solid sour special spicy square stale steady sticky stiff strange strict
        strong stupid sudden sunny sweet swift tame tasty thick thin tight tired total tricky true ugly upper
        useful usual vast wet white wicked wide wild wise witty wrong
        """
    ),
    doings=words(
        """
        check clean fix paint move order pack repair sell update write review test print build close count draw
        fold lift measure plan sort trim wrap remove rename split merge adjust answer ask assemble bake book
        borrow bring burn buy carry change chop colour complete cook correct cover cut decorate defrost describe
        design discuss dry empty exchange fetch file fill finish hang heat hide install iron knit learn lend
        load lock mark mend mix mow oil open peel photograph pick plant pour prepare press protect publish pull
        push raise record recycle remember research return roast sand save scan scrub send sew sharpen shop sign
        sketch soak solve spray stack store study sweep taste teach tie touch trade tune type unlock upload
        varnish visit wash weigh wipe
        """
    ),
    occasions=words(
        """
        meeting lunch review call dinner party workshop interview lesson training appointment breakfast walk
        rehearsal demo briefing game picnic auction ball barbecue birthday class concerto conference course
        dance dentist drill election exam exhibition fair festival film fitting funeral haircut hike inspection
        journey kickoff lecture marathon massage match opera play presentation quiz race recital reception
        regatta retreat show sprint standup stroll surgery swim talk test theatre tour tournament trial trip
        vote wedding workout yoga
        """
    ),
    rooms=(
        "kitchen",
        "bedroom",
        "hall",
        "living room",
        "bathroom",
        "office",
        "garage",
        "attic",
        "study",
        "balcony",
        "basement",
        "pantry",
        "guest room",
        "playroom",
        "hallway",
        "porch",
        "shed",
        "workshop",
        "gym",
        "sauna",
        "music room",
        "hobby room",
        "staircase",
        "lobby",
        "den",
        "parlour",
        "terrace",
        "loft",
        "closet",
        "winter garden",
        "tea room",
        "changing room",
        "waiting room",
        "barn",
        "stable",
    ),
    languages=words(
        """
        German French Spanish Italian Dutch Polish Greek Turkish Japanese Korean Swedish Finnish Arabic Bengali
        Bulgarian Croatian Estonian Hebrew Hindi Icelandic Irish Latin Latvian Malay Maltese Persian Russian
        Serbian Slovak Slovenian Swahili Tamil Ukrainian Urdu Vietnamese Basque Catalan
        """
    ),
    currencies=words(
        """
        EUR USD GBP CHF JPY SEK NOK CAD AUD CNY AED ARS BGN BOB CLP COP DOP EGP GEL GHS HKD IDR ILS ISK JOD KES
        KZT LKR MAD MXN MYR NGN NZD OMR PEN PHP PKR QAR RON RSD RUB SAR SGD THB TND TRY TWD UAH UYU VND ZAR
        """
    ),
    dishes=words(
        """
        pizza sushi soup salad burger noodles curry tacos pasta sandwich ramen pancakes dumplings burrito
        lasagne falafel bagel baguette beans biryani borscht bread broccoli brownies burritos casserole cereal
        chili cookies couscous crackers crepes croissant dal donuts eggs enchiladas fajitas fondue fries goulash
        granola gravy gumbo hummus jelly kimchi lentils macaroni meatballs muffins nachos nuggets oatmeal paneer
        pasties pie pierogi pilaf polenta popcorn porridge potatoes pudding quiche ravioli rice roast samosas
        satay sausages scones spaghetti stew strudel tempura toast tofu tortellini trifle waffles wontons
        """
    ),
    stems=words(
        """
        notes report invoice backup photo main setup index draft summary plan data login parser cache menu
        search export budget readme config server client theme upload account address agenda album alert answer
        array asset audio balance banner batch billing board book broker bundle calendar camera cart case
        channel chart chat class cluster code colour column comment company contact contract copy cost counter
        course customer dashboard database demo device diary diff document driver email energy engine entry
        error essay event example filter folder font footer form format game gateway graph group guide habits
        header health history holiday house image import input inventory item job kernel key label layout lesson
        letter library license list loader locale loan logger manual map margin market mask matrix meeting
        member message mobile model module monitor network news number office order output package page paper
        password patch payment people phone picture player policy portal post price printer private profile
        program project proxy query queue quote receipt record region release request result review route rules
        sales sample scan schedule script season sensor service session shipping shop site sketch sound sources
        stats status stock store story stream style survey system tables target tasks tax team template test
        ticket timer token tools topic tour trace track traffic travel users utils vacation vendor version video
        views visits web week wiki worker zone
        """
    ),
    endings=words(
        """
        txt md csv json py log pdf png html css js ts go rs java c h sh ini cfg toml sql jpg gif zip gz mp3 wav
        bak rst tex odt
        """
    ),
    folders=words(
        """
        docs src data home/anna projects downloads pictures work archive tmp reports albums apps assets bin
        books build cache clients courses deploy desk drafts exports family finance forms games home/ben
        invoices lib logs mail media movies music old papers photos plans podcasts private public receipts
        recipes scans school scripts sound static taxes team templates tests tools trips var videos web
        home/carla work/2025 src/core docs/en data/raw
        """
    ),
    months=("January", "February", "March", "April", "May", "June", "July", "August"),
    day_words=(
        *WEEKDAYS,
        "today",
        "tomorrow",
        "tonight",
        *(f"this {day}" for day in WEEKDAYS),
        *(f"{day} morning" for day in WEEKDAYS),
        *(f"{day} evening" for day in WEEKDAYS),
        "the weekend",
        "New Year",
    ),
    minutes_past=tuple(minute for minute in range(60) if minute not in MINUTES),
    numbers=tuple(n for n in (*range(2, 100), *range(100, 1000, 10)) if n not in NUMBERS),
    sayings=lines(
        """
        the {noun} is {adjective}
        see you at the {noun}
        bring the {adjective} {noun} to {city}
        {person} has the {noun}
        we need a {adjective} {noun}
        where is the {noun}
        the {noun} and the {other} are ready
        thank you for the {noun}
        I am in {city} with {person}
        the {noun} starts late
        please send the {adjective} {noun}
        we meet in {city}
        do not forget the {noun}
        good morning {person}
        my {noun} smells {adjective}
        how is the {noun} in {city}
        can you hear the {noun}
        I like the {adjective} {noun}
        {person} wants a {noun}
        they sold the {noun} in {city}
        you are late for the {noun}
        please call {person} about the {noun}
        a {noun} for {person}
        it rains on the {noun}
        where can I find {person}
        the {noun} costs too much
        my {noun} and your {other}
        we saw a {noun} in {city}
        give the {noun} to {person}
        which {noun} is yours
        I have never been in {city}
        the {adjective} {noun} is gone
        {person} and the {other} came home
        tell {person} that the {noun} is here
        happy birthday {person}
        open the {noun} and look for the {other}
        is this your {adjective} {noun}
        the train to {city} leaves at noon
        nobody likes a {adjective} {noun}
        wait for the {noun}
        as {adjective} as a {noun}
        from {city} with love
        buy the {noun} before the {other}
        they call it a {noun}
        put the {noun} on the {other}
        why is the {noun} so {adjective}
        I will bring the {noun}
        the new {noun} of {person}
        this {noun} is for {person} in {city}
        look at that {adjective} {noun}
        my {noun} is too {adjective} for {city}
        has {person} seen the {noun}
        one {noun} is enough
        her {noun} was {adjective}
        some {other} with your {noun}
        he lives near {city}
        all {noun} and no {other}
        what a {adjective} {noun}
        she forgot the {noun} in {city}
        it was a {adjective} day
        that {noun} needs a {other}
        """
    ),
)
