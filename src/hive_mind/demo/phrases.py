"""How the sample world's user asks for things in the training data: frames with {parameters} to be filled.

A frame that starts in lower case is an order and may stand behind an opening such as "can you"; `| key=value` gives
arguments that the words imply. The held-out frames are in phrases_held_out and share no frame with these.
"""

from __future__ import annotations

OPENINGS = (
    "",
    "",
    "",
    "",
    "please ",
    "can you ",
    "could you ",
    "could you please ",
    "I want you to ",
    "hey, ",
    "now ",
    "would you ",
    "I need you to ",
    "go ahead and ",
    "then ",
    "let's ",
)
CLOSINGS = ("", "", "", ".", ".", " please", ", please.", "!", ", thanks", " for me", " now", "?")

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
    """,
}
