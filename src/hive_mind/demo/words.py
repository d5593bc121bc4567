"""Word lists of the pre-training corpus. The sample world has its own lists and never reads these."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# One line a meaning: the first word names the form, all of them may stand in a request for it.
VERB_GROUPS: tuple[tuple[str, ...], ...] = tuple(
    tuple(word.replace("_", " ") for word in line.split())
    for line in """
    make create prepare put_together
    build construct put_up assemble
    remove delete take_out get_rid_of
    cancel call_off drop
    fetch bring get pick_up
    buy purchase get order
    sell offer
    rent hire borrow
    lend loan
    repair fix mend restore
    clean wash tidy wipe
    paint colour coat
    cook prepare make
    bake make
    book reserve arrange
    visit see go_to tour
    invite ask_in welcome
    greet welcome hail
    draw sketch trace
    print print_out run_off
    copy duplicate clone
    move shift carry transfer
    ship post dispatch send
    pack wrap box_up
    measure gauge survey
    count tally number
    weigh balance
    sort order arrange
    label mark tag
    rename call name_again
    join unite connect link
    split divide cut
    merge combine blend
    plant sow put_in
    water spray
    feed nourish
    train coach teach
    study learn read_up_on
    translate render turn_into
    convert change turn
    compare match contrast
    check inspect look_over examine
    test try try_out
    approve accept confirm
    reject refuse turn_down
    sign put_a_name_to
    pay settle
    refund pay_back return_the_money_for
    charge bill invoice
    track follow trace
    watch observe look_at
    record log write_down note_down
    store keep save put_away
    load fill fill_up
    empty clear drain
    lock close shut
    unlock open
    start begin launch start_up
    stop end halt switch_off
    pause hold suspend
    resume continue go_on_with
    raise lift increase turn_up
    lower reduce decrease turn_down
    set put adjust
    reset restore clear
    share give hand_out
    publish post bring_out
    hide conceal mask
    show display present
    find look_for search_for locate
    guess estimate
    plan schedule lay_out
    assign give appoint
    donate give_away contribute
    collect gather pick
    exchange swap trade
    register sign_up enrol enter
    report announce tell_about
    rate judge score
    review go_over assess
    trim cut shorten
    polish shine
    stack pile_up
    fold bend
    heat warm warm_up
    cool chill
    freeze ice
    dry air
    tune adjust
    install fit set_up
    upgrade improve renew
    replace change swap_out
    insure cover
    recycle reuse
    """.strip().splitlines()
    for words in (line.split(),)
    if words
)

NOUNS = _words(
    """
    table chair lamp mirror shelf carpet curtain cupboard drawer sofa bed pillow blanket towel basket bucket broom
    bottle cup plate bowl spoon fork knife pan pot kettle oven fridge sink tap candle vase frame clock watch key lock
    door window gate fence wall roof floor stair ladder garage garden lawn hedge tree flower rose tulip bush seed leaf
    branch root apple pear plum cherry grape lemon orange melon berry nut carrot onion potato bean pea cabbage pepper
    tomato pumpkin mushroom bread cake pie soup salad stew sauce cheese butter milk cream egg flour sugar salt honey
    jam rice pasta fish meat chicken coffee tea juice water wine beer bike bicycle car truck bus train tram ferry boat
    ship canoe kayak raft plane balloon rocket wagon cart sledge ski skate helmet tent rucksack suitcase bag wallet
    purse coat jacket shirt skirt dress sock shoe boot glove scarf hat cap belt ring necklace bracelet button zip
    thread needle cloth wool silk cotton leather paper pen pencil brush paint ink book page cover map poster stamp
    envelope parcel letter card ticket coin note cheque bill invoice receipt contract form report survey essay poem
    novel story play film photo picture sketch statue puzzle toy doll kite ball bat racket net whistle drum flute
    guitar violin piano trumpet bell speaker radio camera screen keyboard printer cable battery charger engine motor
    pump valve pipe wire switch fuse sensor robot drone machine tool hammer saw drill screw nail bolt wrench axe
    shovel rake hose barrel crate box jar tin tray rack stand desk office studio shop market bakery cafe hotel hostel
    cabin cottage castle tower bridge tunnel harbour pier island lake river pond beach cliff cave valley forest
    meadow field farm barn stable mill well road lane path street square park museum library school college clinic
    hospital theatre cinema stadium gym pool court club team player coach referee pupil student teacher doctor nurse
    pilot driver sailor farmer baker butcher tailor plumber painter carpenter lawyer clerk guard guide guest neighbour
    cousin uncle aunt baby puppy kitten horse pony cow goat sheep pig duck goose hen rabbit hamster parrot turtle
    beehive nest kennel cage saddle lesson course exam quiz lecture seminar workshop tour trip journey cruise parade
    concert festival party wedding picnic dinner breakfast lunch supper banquet auction raffle contest race match
    tournament marathon visit interview session hearing trial vote election budget loan grant pension salary bonus
    deposit account policy claim licence permit passport visa badge uniform locker shift roster agenda summary draft
    chapter article column headline banner leaflet brochure catalogue sample recipe menu order delivery shipment cargo
    stock shelf-life warranty complaint refund voucher coupon discount price tax fee fine rent lease mortgage plot
    apartment room kitchen bathroom cellar attic balcony terrace fountain bench swing slide sandpit greenhouse orchard
    vineyard brewery factory warehouse laboratory telescope microscope scale ruler compass thermometer
    mailbox doorbell alarm heater radiator fan blind shutter tile brick plank beam pillar
    """
)

ADJECTIVES = _words(
    """
    small large big little tall short long wide narrow thick thin heavy light new old young fresh dry wet warm cold hot
    cool soft hard smooth rough sharp blunt clean dirty bright dark pale deep shallow quick slow quiet loud happy sad
    kind calm angry brave shy proud lazy busy free full empty rich poor cheap dear strong weak simple plain fancy rare
    common early late first last next spare broken wooden golden silver plastic woollen round square flat curved
    straight striped spotted red blue green yellow white black brown grey pink purple orange local foreign public
    private secret famous modern ancient northern southern eastern western upper lower inner outer left right main
    second third sweet sour salty bitter ripe raw frozen fragile sturdy gentle clever honest polite careful
    """
)

FIRST_NAMES = _words(
    """
    Anna Ben Clara David Emma Felix Greta Henry Ida Jonas Karin Leo Maria Nils Olga Paul Rosa Simon Tina Viktor Wanda
    Adam Bella Carl Dora Erik Fiona Georg Hanna Igor Julia Kurt Laura Max Nora Otto Petra Quentin Rita Stefan Thea
    Ulrich Vera Walter Yvonne Zoe Amir Bao Chloe Diego Elena Farid Gita Hugo Ines Jamal Kofi Lina Mateo Nadia Omar
    Priya Ravi Sofia Tariq Uma Victor Wei Ximena Yusuf Zara Alice Bruno Celia Dennis Edith Frank Gloria Harold Iris
    Jack Kate Louis Mona Ned Olive Peter Ruth Sam Tom Ursula Vince Will
    """
)

LAST_NAMES = _words(
    """
    Adler Baker Carter Dietrich Ellis Fischer Garcia Hoffman Ibrahim Jansen Keller Lopez Moreau Novak Olsen Petrov
    Quinn Rossi Schmidt Tanaka Ullman Varga Weber Xu Young Ziegler Anders Brandt Costa Duval Engel Ferrari Gruber
    Haas Ivanov Jones King Lange Meyer Nielsen Ortiz Patel Reed Silva Torres Vogel Wagner Yilmaz Zhang Brown Clark
    Davis Evans Green Hall Lewis Martin Parker Roberts Smith Taylor Walker Wright
    """
)

PLACES = _words(
    """
    Aachen Bergen Cordoba Dresden Exeter Florence Ghent Haifa Izmir Jena Kassel Leeds Malaga Nantes Odessa Parma
    Quebec Rostock Seville Turin Utrecht Verona Warsaw Xanten York Zagreb Athens Berlin Cairo Delhi Edinburgh Geneva
    Hamburg Istanbul Jakarta Kyoto Lima London Madrid Nairobi Oslo Paris Riga Rome Sofia Tokyo Vienna Boston Chicago
    Dallas Denver Houston Miami Seattle Toronto Austin Bremen Cologne Dublin Essen Graz Linz Lyon Milan Naples Porto
    Prague Split Tampa Ulm Venice Zurich
    """
)

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
COLOURS = ("red", "blue", "green", "yellow", "white", "black", "brown", "grey", "pink", "purple", "orange", "gold")
UNITS = ("cm", "m", "km", "g", "kg", "ml", "l", "min", "h", "days", "weeks", "pieces", "boxes", "pages", "euros")
SIZES = ("small", "medium", "large", "tiny", "huge", "short", "long", "half", "full", "double", "single")

# What everyday talk is about: (topic, things said about it, doings). Plain English only.
TOPICS: tuple[tuple[str, str, str], ...] = (
    (
        "weather",
        "rain snow wind sun storm cloud fog frost heat temperature forecast umbrella degrees celsius humid sky",
        "rains snows clears_up gets_colder gets_warmer stays_dry turns_windy",
    ),
    (
        "music",
        "song album artist playlist band singer tune track melody concert volume headphones jazz rock piano",
        "plays sings listens dances hums stops skips repeats",
    ),
    (
        "calendar",
        "meeting event appointment date day week month reminder birthday holiday deadline schedule invitation",
        "begins ends moves clashes repeats is_cancelled is_planned",
    ),
    (
        "files",
        "file folder directory document archive path name size text line copy backup disk extension content",
        "opens closes grows moves is_deleted is_saved is_renamed",
    ),
    (
        "git",
        "commit branch repository merge change message diff tag version remote history conflict code release",
        "builds fails passes breaks works changes is_merged",
    ),
    (
        "shell",
        "command terminal process script output error pipe user variable directory permission argument program",
        "runs starts stops prints waits exits hangs",
    ),
    (
        "notes",
        "note list task reminder idea title text page tag heading word sentence summary notebook diary",
        "says lists mentions explains repeats is_finished is_lost",
    ),
    (
        "mail",
        "email message inbox subject reply sender address attachment draft contact letter thread signature",
        "arrives waits bounces asks answers thanks is_sent",
    ),
    (
        "travel",
        "flight train hotel ticket airport station luggage map route trip passport seat platform gate journey",
        "leaves arrives departs waits is_late is_full is_booked",
    ),
    (
        "home",
        "light lamp heating door window kitchen room thermostat blind alarm switch garden garage plug",
        "opens closes turns_on turns_off dims rings is_locked",
    ),
    (
        "money",
        "price account budget bill payment euro dollar currency rate tax salary rent cost amount expense stock",
        "rises falls doubles is_paid is_due costs counts",
    ),
    (
        "food",
        "recipe restaurant pizza bread soup coffee tea dinner lunch breakfast ingredient table menu shopping list",
        "cooks bakes boils tastes smells is_ready is_ordered",
    ),
    (
        "time",
        "timer clock alarm hour minute second morning evening noon midnight zone stopwatch tomorrow today",
        "rings ticks runs_out starts ends is_over is_near",
    ),
    (
        "web",
        "page search link site browser website picture video article news download address query result",
        "loads shows answers breaks links is_found is_blocked",
    ),
    (
        "sport",
        "run match team score goal race distance kilometre workout training ball player league pulse steps",
        "wins loses trains rests runs jumps is_beaten",
    ),
    (
        "health",
        "doctor sleep pulse weight walk medicine pill water diet headache pain rest nurse appointment",
        "helps hurts heals rests sleeps is_better is_worse",
    ),
    (
        "numbers",
        "sum product average percent fraction square root number digit total difference result equation",
        "adds divides equals grows rounds counts is_even",
    ),
    (
        "language",
        "word sentence letter translation meaning English German French Spanish language grammar spelling",
        "means reads sounds translates spells is_short is_long",
    ),
)

SYLLABLES = _words(
    """
    ba be bi bo bu da de di do du fa fe fi fo ga ge go gu ha he hi ho ja jo ka ke ki ko ku la le li lo lu ma me mi mo
    mu na ne ni no nu pa pe pi po ra re ri ro ru sa se si so su ta te ti to tu va ve vi vo wa we za ze zi zo bar bel
    dan dor fen gal hol kan kel lan lor mar men nor pel ras ren sil tan tor val ven wil zan
    """
)
