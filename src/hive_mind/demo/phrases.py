"""How the sample world's user asks for things in the training data: frames with {parameters} to be filled.

A frame that starts in lower case is an order and may stand behind an opening such as "can you"; `| key=value` gives
arguments that the words imply. The held-out frames are in phrases_held_out and share no frame with these.
"""

from __future__ import annotations

OPENINGS = (
    *("",) * 14,
    "please ", "can you ", "could you ", "could you please ", "I want you to ", "hey, ", "now ", "would you ",
    "I need you to ", "go ahead and ", "then ", "let's ", "can you please ", "please go and ", "you can ",
    "would you please ",
    "I would like you to ", "it would be nice to ", "it is time to ", "I am busy, so ", "one thing: ", "first, ",
    "hello, ",
    "hi there, ", "good morning, ", "when you have time, ", "as always: ", "my wish: ", "just ", "simply ", "quickly ",
    "do me a favour: ", "help me, ", "I beg you to ", "if you can, ", "well, ", "so, ", "right, ", "listen: ",
    "again, ",
    "this is urgent: ", "I forgot to say: ", "my next request: ", "do this for me: ", "it would help me if you would ",
    "I was told that you can ", "before I forget it, ", "thank you, and now ", "please be quick and ", "maybe you can ",
)  # fmt: skip
CLOSINGS = (
    *("",) * 8, *(".",) * 6, *("!",) * 2, "?",
    " please", ", please.", ", thanks", " for me", " now", " today, please", " right away", ", thank you", " at once",
    ", that is all", " soon", " as usual", ", it is important", ", would be great", " for a change", ", I need it",
    ", okay?", ", please and thank you", " before I go", ", would you", " as soon as you can", " like last time",
)  # fmt: skip

FRAMES: dict[str, str] = {
    "file_show": """
        show me {path}
        show {path}
        open {path}
        open the file {path}
        print {path}
        let me see {path}
        display the file {path}
        show the contents of {path}
        What is in {path}?
        What does {path} say?
        I want to see {path}
        Can I look at the file {path}?
        read {path} to me
        I'd like to view {path}
        give me a look at {path}
        I have to read {path}
        put {path} on the screen
        Could you open {path} so that I can read it?
        the contents of {path}
        What was written in the file {path}?
        I forgot what {path} says
    """,
    "file_rename": """
        rename {old} to {new}
        rename the file {old} to {new}
        call the file {old} {new}
        change the name of {old} to {new}
        give {old} the name {new}
        move {old} to {new}
        rename {old} as {new}
        The file {old} should be called {new}
        {old} needs the new name {new}
        I want {old} renamed to {new}
        change the file name {old} to {new}
        make {old} into {new}
        the file {old} gets the name {new}
        let {old} be {new} from today
        {old} is a bad name, make it {new}
        I called it {old}, but it has to be {new}
        swap the name {old} for {new}
        rename: {old}, {new}
    """,
    "files_find": """
        find {pattern} in {folder}
        find files named {pattern} in {folder}
        find all {pattern} files
        search {folder} for {pattern}
        look for {pattern} in the folder {folder}
        find files that match {pattern}
        Which files in {folder} match {pattern}?
        Where are the files {pattern}?
        Are there any {pattern} files in {folder}?
        search for files called {pattern}
        locate {pattern} under {folder}
        list the files {pattern} in {folder}
        I am looking for files named {pattern}
        I need all files like {pattern} from {folder}
        Do we have {pattern} in {folder}?
        get me the files {pattern} in {folder}
        Somewhere in {folder} there is {pattern}
        look everywhere for {pattern}
        show which files match {pattern}
    """,
    "event_add": """
        add {title} on {day} at {time}
        add {title} to my calendar for {day}
        put {title} on {day} at {time} in my calendar
        put {title} in the calendar for {day}
        schedule {title} for {day} at {time}
        schedule {title} on {day}
        book {title} on {day} at {time}
        I have {title} on {day} at {time}
        There is {title} on {day} at {time}, put it in the calendar
        make an event {title} on {day} at {time}
        plan {title} for {day} at {time}
        create the event {title} on {day}
        enter {title} in my calendar on {day} at {time}
        On {day} at {time} I have {title}, add it
        new event: {title}, {day}, {time}
        note {title} in the calendar for {day} at {time}
        {title} takes place on {day} at {time}, add it to the calendar
        keep {day} at {time} free for {title}
        I want {title} in my calendar for {day}
        a new entry in the calendar: {title} on {day} at {time}
        don't let me forget {title} on {day} at {time}
        fix {title} for {day} at {time}
    """,
    "events_list": """
        list my events on {day}
        show my calendar for {day}
        What is on my calendar on {day}?
        What do I have on {day}?
        What are my events for {day}?
        Which events do I have on {day}?
        Do I have anything on {day}?
        Am I free on {day}?
        show me the events of {day}
        list the events for {day}
        tell me what happens on {day}
        How busy am I on {day}?
        What is planned for {day}?
        read me my calendar of {day}
        Is something going on on {day}?
        What am I doing on {day}?
        Let me see my calendar for {day}
        the calendar of {day}
        events of {day}
        I want to know what I have on {day}
    """,
    "event_cancel": """
        cancel {title}
        cancel {title} on {day}
        cancel the event {title}
        delete the event {title} on {day}
        delete {title} from my calendar
        remove {title} from the calendar
        remove {title} on {day} from my calendar
        call off {title}
        call off {title} on {day}
        I can't make it to {title}, cancel it
        drop {title} on {day}
        There will be no {title} on {day}, cancel it
        I won't go to {title}, remove it
        take {title} off my calendar
        {title} won't happen, cancel it
        strike {title} from the calendar
        I want {title} cancelled
        cancel everything about {title} on {day}
        no {title} on {day}, please remove it
        I have no time for {title}, call it off
    """,
    "weather_get": """
        What is the weather in {city}?
        What's the weather like in {city} on {day}?
        How is the weather in {city}?
        How will the weather be in {city} on {day}?
        get the weather of {city}
        get the weather for {city} on {day}
        tell me the weather in {city}
        Will it rain in {city} on {day}?
        Is it cold in {city}?
        How warm is it in {city}? In {unit}
        How hot is it in {city} in {unit}?
        What is the temperature in {city} in {unit}?
        Do I need an umbrella in {city} on {day}?
        give me the forecast for {city}
        give me the forecast for {city} on {day}
        weather in {city}
        Is it sunny in {city} on {day}?
        show the weather of {city} in {unit}
        I want to know the weather in {city}
        Can I go out without a coat in {city} on {day}?
        the forecast of {city} for {day}
        What will it be like outside in {city} on {day}?
        How many degrees are there in {city}? In {unit}
        Is there snow in {city}?
        Tell me how warm {city} is in {unit}
    """,
    "music_play": """
        play {song}
        play {song} by {artist}
        play the song {song}
        play the song {song} by {artist}
        put on {song}
        put on {song} by {artist}
        start {song} by {artist}
        I want to hear {song}
        I want to hear {song} by {artist}
        I'd like to listen to {song} by {artist}
        let me hear {song}
        start playing {song}
        Some music: {song} by {artist}
        turn on {song} by {artist}
        I want some music, {song} by {artist}
        Do you have {song} by {artist}?
        the song {song} would be nice
        make the speakers play {song}
        next song: {song}
        I like {song} by {artist}, play it
        it's time for {song} by {artist}
    """,
    "volume_set": """
        set the volume to {level}
        set the volume at {level}
        put the volume at {level}
        turn the volume to {level}
        turn the volume up to {level}
        turn the volume down to {level}
        volume {level}
        change the volume to {level}
        make the volume {level}
        The volume should be {level}
        volume to {level} percent
        raise the volume to {level}
        lower the volume to {level}
        I want the volume at {level}
        it is too loud, volume {level}
        it is too quiet, make it volume {level}
        the volume goes to {level}
        adjust the volume to {level}
        Can the volume be {level}?
        give me volume {level}
    """,
    "playlist_make": """
        make a playlist {title} with {songs}
        make a playlist called {title} with {songs}
        make a playlist named {title} with the songs {songs}
        create a playlist {title} with {songs}
        create the playlist {title} from {songs}
        put {songs} in a playlist called {title}
        put the songs {songs} on a new playlist {title}
        I want a playlist {title} with {songs}
        new playlist {title}: {songs}
        collect {songs} in the playlist {title}
        build a playlist {title} of {songs}
        start a playlist called {title} with {songs}
        the songs {songs} should be a playlist called {title}
        open a playlist {title}, it gets {songs}
        I'd like to have {songs} in a list called {title}
        add a new playlist named {title} that holds {songs}
        combine {songs} into a playlist {title}
        playlist {title} with {songs}
    """,
    "note_save": """
        save a note {title}: {text}
        save a note called {title} that says {text}
        save a note with the title {title} saying {text}
        make a note {title}: {text}
        make a note called {title} that says {text}
        write a note {title} with the text {text}
        write down under {title}: {text}
        take a note {title}: {text}
        note under {title} that {text}
        new note {title}: {text}
        keep a note {title} with the text {text}
        create the note {title} saying {text}
        I want a note called {title}: {text}
        remember this under {title}: {text}
        put {text} into a note called {title}
        my note {title} should say {text}
        please keep in mind as {title} that {text}
        the note {title} reads {text}
        file a note {title} with {text}
    """,
    "notes_find": """
        find my notes about {query}
        find notes about {query}
        search my notes for {query}
        search the notes for {query}
        look in my notes for {query}
        show my notes about {query}
        What did I note about {query}?
        Do I have a note about {query}?
        Which notes mention {query}?
        Where are my notes on {query}?
        look up {query} in my notes
        I wrote a note about {query}, find it
        get me the notes on {query}
        Did I ever write about {query}?
        I lost my note about {query}
        give me every note on {query}
        notes about {query}
        Is {query} in one of my notes?
        I want to read my notes on {query}
    """,
    "git_commit": """
        commit with the message {message}
        commit the changes with the message {message}
        commit this as {message}
        commit everything: {message}
        make a commit {message}
        make a commit with the message {message}
        git commit {message}
        commit my work with message {message}
        commit: {message}
        create a commit saying {message}
        do a commit called {message}
        commit the staged files, message {message}
        the commit message is {message}
        save my changes in git as {message}
        I am done, commit it with {message}
        git: commit with message {message}
        let the commit say {message}
        put this into a commit: {message}
    """,
    "git_switch": """
        switch to the branch {branch}
        switch to branch {branch}
        switch to {branch}
        go to the branch {branch}
        change to branch {branch}
        git switch {branch}
        check out the branch {branch}
        I want to be on branch {branch}
        create the branch {branch} and switch to it | create=true
        make a new branch {branch} | create=true
        switch to a new branch {branch} | create=true
        start a new branch called {branch} | create=true
        create a branch {branch} | create=true
        open a new branch {branch} | create=true
        work goes on in branch {branch}
        take me over to {branch}
        use the branch {branch} from now on
        Are we on {branch}? If not, switch
        branch {branch}, please
        I have to get to the branch {branch}
        we need another branch, {branch} | create=true
        a fresh branch {branch} | create=true
    """,
    "git_log": """
        show the last {count} commits
        show me the last {count} commits
        list the last {count} commits
        What are the last {count} commits?
        What were the latest {count} commits?
        give me {count} commits of the log
        git log of {count} commits
        print the newest {count} commits
        I want to see the last {count} commits
        show {count} commits
        tell me the last {count} commits
        get the history of {count} commits
        the last {count} commits
        log, {count} entries
        I need {count} commits from the history
        How do the last {count} commits look?
        go back {count} commits and show them
        history of the last {count} commits
    """,
    "mail_send": """
        send an email to {to} with the subject {subject}
        send an email to {to} with the subject {subject} saying {body}
        send a mail to {to} about {subject}
        send a mail to {to} about {subject}: {body}
        email {to} about {subject}
        email {to} about {subject} and say {body}
        mail {to} with subject {subject}
        write an email to {to} about {subject} that says {body}
        write a mail to {to}, subject {subject}, text {body}
        write to {to} about {subject}: {body}
        I need to send {to} an email about {subject}
        new email to {to}, subject {subject}: {body}
        send {to} a mail called {subject} with the text {body}
        send an urgent email to {to} with the subject {subject} | urgent=true
        send {to} an urgent mail about {subject} | urgent=true
        {to} should hear about {subject} by mail
        a mail to {to}: subject {subject}, text {body}
        tell {to} by email about {subject} that {body}
        let me write to {to}, subject {subject}
        I promised {to} a mail about {subject}
        mail for {to} with the subject {subject}: {body}
    """,
    "timer_set": """
        set a timer for {minutes} minutes
        set a timer of {minutes} minutes for the {label}
        start a timer for {minutes} minutes
        start a {minutes} minute timer for the {label}
        start a {minutes} minute timer
        timer for {minutes} minutes
        The {label} needs {minutes} minutes, start a timer
        count down {minutes} minutes
        count down {minutes} minutes for the {label}
        tell me when {minutes} minutes are over
        I need a timer for {minutes} minutes
        give me a timer for the {label}, {minutes} minutes
        remind me of the {label} in {minutes} minutes
        {minutes} minutes for the {label}, set a timer
        wait {minutes} minutes and then ring
        make it a timer of {minutes} minutes
        the timer should ring in {minutes} minutes
        my {label} takes {minutes} minutes, time it
        Can you count {minutes} minutes for me?
        timer, {minutes} minutes, for the {label}
    """,
    "alarm_set": """
        set an alarm for {time}
        set an alarm at {time}
        set the alarm to {time}
        wake me at {time}
        wake me up at {time}
        alarm at {time}
        I want to get up at {time}
        I must be awake at {time}
        set an alarm for {time} every day | repeat=true
        wake me at {time} every day | repeat=true
        set a daily alarm at {time} | repeat=true
        wake me up every day at {time} | repeat=true
        I get up at {time} every day, set an alarm | repeat=true
        set the alarm for {time}, only once | repeat=false
        set an alarm at {time} just once | repeat=false
        ring at {time}
        let it ring at {time} tomorrow
        I have to be up by {time}
        alarm clock at {time}
        don't let me sleep longer than {time}
        every morning at {time} an alarm | repeat=true
        the alarm should ring every day at {time} | repeat=true
    """,
    "text_translate": """
        translate {text} to {language}
        translate {text} into {language}
        translate "{text}" into {language}
        translate into {language}: {text}
        How do you say {text} in {language}?
        What is {text} in {language}?
        say {text} in {language}
        put {text} into {language}
        I need {text} in {language}
        What does "{text}" mean in {language}?
        give me the {language} translation of {text}
        turn {text} into {language}
        write {text} in {language}
        what would {text} be called in {language}?
        I want to say {text} in {language}
        write {text} in {language}
        the {language} for {text}
        make {language} out of {text}
        {text}, but in {language}
    """,
    "money_convert": """
        convert {amount} {source} to {target}
        convert {amount} {source} into {target}
        change {amount} {source} to {target}
        change {amount} {source} into {target}
        How much is {amount} {source} in {target}?
        How many {target} are {amount} {source}?
        How many {target} do I get for {amount} {source}?
        What is {amount} {source} in {target}?
        What are {amount} {source} worth in {target}?
        exchange {amount} {source} for {target}
        turn {amount} {source} into {target}
        I have {amount} {source}, how much is it in {target}?
        {amount} {source} to {target}
        I have {amount} {source}, how much {target} is that?
        {amount} {source} to {target}
        exchange {amount} {source} for {target}
        turn {amount} {source} into {target}
        What is {amount} {source} worth in {target}?
        the price is {amount} {source}, tell me in {target}
    """,
    "light_set": """
        turn on the light in the {room} | on=true
        turn the light in the {room} on | on=true
        switch on the light in the {room} | on=true
        switch the {room} light on | on=true
        light on in the {room} | on=true
        It is dark in the {room}, turn on the light | on=true
        turn off the light in the {room} | on=false
        turn the light in the {room} off | on=false
        switch off the light in the {room} | on=false
        switch the {room} light off | on=false
        light off in the {room} | on=false
        Nobody is in the {room}, turn off the light | on=false
        set the light in the {room} to {brightness} percent | on=true
        turn on the light in the {room} at {brightness} percent | on=true
        set the {room} light to {brightness} | on=true
        it is dark in the {room}, switch the light on | on=true
        let there be light in the {room} | on=true
        I go to bed, no light in the {room} | on=false
        the {room} needs no light | on=false
        the light in the {room} should be at {brightness} | on=true
        dim the {room} light to {brightness} percent | on=true
        lights out in the {room} | on=false
    """,
    "task_add": """
        add {task} to my tasks
        add {task} to my list
        add the task {task}
        add the task {task} with {priority} priority
        add {task} to my tasks with {priority} priority
        put {task} on my list
        put {task} on my task list, priority {priority}
        new task: {task}
        new {priority} priority task: {task}
        I have to {task}, put it on the list
        I need to {task}, add it as a task
        I must {task}, add it with {priority} priority
        make a task to {task}
        My next task is to {task}, add it
        don't let me forget to {task}
        one more task: {task}
        I still have to {task}, write it down as a task
        my list needs {task}
        task with {priority} priority: {task}
        to do: {task}
        {task} is a task with {priority} priority
    """,
    "food_order": """
        order {dish} to {street} in {city}
        order {portions} {dish} to {street} in {city}
        order {portions} portions of {dish} to {street}, {city}
        order {dish} for {street}, {city}
        send {portions} {dish} to {street} in {city}
        get me {dish} delivered to {street}, {city}
        get {portions} {dish} to {street} in {city}
        I want {dish} at {street} in {city}
        I'd like {portions} portions of {dish} at {street} in {city}
        bring {dish} to {street} in {city}
        I am hungry, order {dish} to {street}, {city}
        We are at {street} in {city} and want {portions} {dish}
        {dish} should come to {street} in {city}
        let us have {portions} {dish} at {street}, {city}
        I am at {street} in {city} and would like {dish}
        food for {street} in {city}: {portions} {dish}
        bring us {portions} portions of {dish}, {street} in {city}
        deliver {dish}, the street is {street} in {city}
    """,
}
