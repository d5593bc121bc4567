"""How the held-out rows ask: frames, openings, chat and unseen tools that no training row ever draws from."""

from __future__ import annotations

OPENINGS = (
    "",
    "",
    "",
    "kindly ",
    "be so kind and ",
    "would you mind: ",
    "I'd be glad if you could ",
    "ok, ",
    "quick one: ",
    "next, ",
)
CLOSINGS = ("", "", ".", "!", " when you can", ", cheers", " if possible", ", will you?")

FRAMES: dict[str, str] = {
    "file_show": """
        let me look at the file {path}
        show me what is inside {path}
        bring up the file {path}
        I would like to see what {path} contains
        display {path} on the screen
        Could I see the contents of {path}?
    """,
    "file_rename": """
        rename my file {old} so that it is {new}
        please give the file {old} the new name {new}
        {old} should have the name {new} from now on
        change {old} to the name {new}
        I'd like the file {old} to be called {new}
    """,
    "files_find": """
        Are there files like {pattern} in {folder}
        find me every {pattern} in the folder {folder}
        search my files for {pattern}
        look through {folder} for files named {pattern}
        I can't find my files {pattern}, where are they?
    """,
    "event_add": """
        Could {title} go in my calendar on {day} at {time}
        add an event on {day} at {time}: {title}
        Calendar: {title} on {day} at {time}
        I'm going to {title} on {day} at {time}, put that in my calendar
        make room for {title} in the calendar on {day}
        schedule an event called {title} for {day} at {time}
    """,
    "events_list": """
        What does my calendar look like on {day}?
        tell me my events for {day}
        give me a list of the events on {day}
        Is there any event in my calendar on {day}?
        What have I got planned on {day}?
    """,
    "event_cancel": """
        please cancel my {title} on {day}
        I'm not going to {title}, cancel the event
        The event {title} on {day} is off, delete it
        get {title} out of my calendar
        cancel the {title} planned for {day}
    """,
    "weather_get": """
        I'm travelling to {city} on {day}, what will the weather be?
        tell me if it will rain in {city}
        What temperature does {city} have in {unit}?
        Weather forecast for {city} on {day}
        How does the weather look in {city}?
        Is the weather good in {city} on {day}?
    """,
    "music_play": """
        Could we have {song} by {artist}
        I feel like hearing {song}
        play me something: {song} by {artist}
        let the music be {song} by {artist}
        play that song called {song}
        I'd love to listen to the song {song}
    """,
    "volume_set": """
        I'd like the volume at {level}
        bring the volume to {level}
        set volume level {level}
        Could the volume go to {level}?
        get the volume up to {level}
    """,
    "playlist_make": """
        make me a new playlist, {title}, with {songs}
        I need the songs {songs} together in a playlist named {title}
        A playlist called {title}, please, with {songs}
        create {title} as a playlist of {songs}
    """,
    "note_save": """
        I'd like a note {title} saying {text}
        add a note called {title}: {text}
        save this as a note, title {title}, text {text}
        jot down a note {title} that says {text}
        store a note under {title} with the text {text}
    """,
    "notes_find": """
        Is there anything about {query} in my notes
        find the note that mentions {query}
        go through my notes for {query}
        I need my notes concerning {query}
        What do my notes say about {query}?
    """,
    "git_commit": """
        please commit, the message is {message}
        commit what I have with {message} as the message
        I'd like to commit the changes: {message}
        add a commit whose message is {message}
        commit now, message: {message}
    """,
    "git_switch": """
        bring me to branch {branch}
        I need the branch {branch}, switch there
        let me work on branch {branch}
        Could you switch the branch to {branch}
        I need a new branch with the name {branch} | create=true
        add a new branch {branch} and go there | create=true
    """,
    "git_log": """
        let me see the latest {count} commits
        I'd like a log of the last {count} commits
        Which {count} commits came last?
        display the log, {count} commits
        list {count} commits from the log
    """,
    "mail_send": """
        I'd like to email {to}, the subject is {subject}
        send to {to} an email about {subject} with the words {body}
        compose an email for {to} about {subject}: {body}
        let {to} get a mail with the subject {subject}
        drop {to} an email about {subject} saying {body}
        let {to} have an urgent email about {subject} | urgent=true
    """,
    "timer_set": """
        put a timer on for {minutes} minutes
        I want a timer that runs {minutes} minutes
        time the {label} for {minutes} minutes
        let a timer run for {minutes} minutes for my {label}
        run a {minutes} minutes timer
    """,
    "alarm_set": """
        I need an alarm for {time}
        make sure I wake up at {time}
        Could the alarm go off at {time}
        An alarm for {time}, every single day | repeat=true
        have an alarm wake me daily at {time} | repeat=true
    """,
    "text_translate": """
        I'd like {text} translated into {language}
        Could I have {text} in {language}?
        How would I say {text} in {language}?
        do a {language} translation of {text}
        What would {text} be in {language}
    """,
    "money_convert": """
        I'd like to change {amount} {source} into {target}
        What do I get in {target} for {amount} {source}?
        Convert money: {amount} {source} to {target}
        tell me how many {target} I get for {amount} {source}
        How much would {amount} {source} be in {target}?
    """,
    "light_set": """
        I'd like the light on in the {room} | on=true
        make it light in the {room} | on=true
        Could the light in the {room} be switched on | on=true
        I'm leaving the {room}, lights off | on=false
        No light in the {room} any more, switch it off | on=false
        put the light in the {room} at {brightness} percent | on=true
    """,
    "task_add": """
        There is a new task for my list: {task}
        I should {task}, make it a task
        write {task} on my task list
        put the task {task} down with {priority} priority
        add a {priority} priority task to {task}
    """,
    "food_order": """
        Could I have {dish} sent to {street} in {city}
        order us {portions} portions of {dish} at {street}, {city}
        have {portions} {dish} delivered to {street} in {city}
        please order {dish}, the address is {street}, {city}
    """,
    "bike_rent": """
        rent a bike at {dock} for {hours} hours
        rent me a bike, dock {dock}, for {hours} hours
        I want to rent a bike for {hours} hours at the dock {dock}
    """,
    "lawn_water": """
        water the lawn with {litres} litres
        give the lawn {litres} litres
        The lawn needs {litres} litres, water it
    """,
    "pet_feed": """
        feed my pet {animal} {grams} grams
        feed the animal {animal} with {grams} grams
        My pet {animal} is hungry, feed it {grams} grams
    """,
    "coffee_brew": """
        brew {cups} cups of coffee
        brew {strength} coffee, {cups} cups
        I want {cups} cups of {strength} coffee
    """,
    "car_park": """
        park the car at {spot}
        park my car in the spot {spot}
        The car should be parked at {spot}
    """,
    "sensor_calibrate": """
        calibrate the sensor {sensor}
        The sensor {sensor} drifts, calibrate it
        calibrate sensor {sensor} again
    """,
    "bill_pay": """
        pay the bill of {payee}, the sum is {sum}
        pay {payee} the sum of {sum}
        I got a bill from {payee}, pay {sum}
    """,
    "plumber_hire": """
        hire a plumber in {district}
        I need a plumber in the district {district}
        hire me a plumber for {district}
    """,
    "badge_scan": """
        scan the badge of {holder}
        scan the badge, its holder is {holder}
        {holder} shows a badge, scan it
    """,
    "gate_lock": """
        lock the gate {gate}
        The gate {gate} must be locked
        lock gate {gate} for the night
    """,
    "parcel_track": """
        track the parcel {parcel}
        Where is my parcel {parcel}?
        track parcel number {parcel}
    """,
    "weight_record": """
        record a weight of {kilos} kilos
        I weigh {kilos} kilos, record it
        record my weight, {kilos} kilos
    """,
    "pool_heat": """
        heat the pool to {degrees} degrees
        The pool should have {degrees} degrees, heat it
        heat our pool up to {degrees}
    """,
    "picture_resize": """
        resize the picture {image} to a width of {width}
        make the image {image} {width} wide
        resize {image}, width {width}
    """,
    "stamps_buy": """
        buy {quantity} stamps
        I need {quantity} stamps, buy them
        buy stamps, quantity {quantity}
    """,
    "scooter_charge": """
        charge the scooter {scooter} to {percent} percent
        charge scooter {scooter} up to {percent}
        The scooter {scooter} needs {percent} percent, charge it
    """,
    "guest_invite": """
        invite {guest} to {occasion}
        invite the guest {guest} for {occasion}
        I want {guest} as a guest, invite them
    """,
    "floor_vacuum": """
        vacuum the floor in the {area}
        vacuum the {area} floor
        The floor of the {area} is dirty, vacuum it
    """,
    "service_deploy": """
        deploy the service {service} in {region}
        deploy {service} to the region {region}
        The service {service} should be deployed in {region}
    """,
    "channel_mute": """
        mute the channel {channel} for {seconds} seconds
        mute {channel} for {seconds} seconds
        The channel {channel} is too loud, mute it {seconds} seconds
    """,
}

CHAT: tuple[tuple[str, str], ...] = (
    ("Good afternoon!", "Good afternoon! How can I help you?"),
    ("Hey there", "Hey! What can I do for you?"),
    ("Thanks a million", "You are welcome."),
    ("Many thanks, that helped", "I am glad that I could help."),
    ("How is it going?", "I am fine, thank you. How can I help?"),
    ("See you tomorrow then", "Goodbye!"),
    ("Have a good evening", "Thank you, the same to you!"),
    ("Are you a person?", "No, I am an assistant."),
    ("What is three times three?", "Three times three is nine."),
    ("What is the capital of Italy?", "The capital of Italy is Rome."),
    ("How many months has a year?", "A year has twelve months."),
    ("What is the colour of grass?", "Grass is green."),
    ("Is a whale a fish?", "No, a whale is a mammal."),
    ("What is a verb?", "A verb is a word for something that one does."),
    ("I had a terrible day", "I am sorry to hear that."),
    ("I am so glad today", "I am glad to hear that!"),
    ("You are a great help", "Thank you, that is kind of you."),
    ("I visited {city} last year", "I hope that you liked {city}."),
    ("My friend is called {person}", "{person} is a nice name."),
    ("I lost my {noun}", "I am sorry about your {noun}."),
    ("Do you know {city}?", "I have heard of {city}."),
    ("I think the {noun} is too {adjective}", "Perhaps another {noun} would suit you better."),
    ("{person} has birthday today", "Then a happy birthday to {person}!"),
    ("What would you do with a {adjective} {noun}?", "I do not know, I never had a {noun}."),
    ("There is a {noun} in front of my house", "That sounds interesting."),
    ("Never mind, forget it", "All right."),
)
