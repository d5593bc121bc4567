"""What the sample world's user says at work: files, calendar, notes, git, mail and tasks. See phrases."""

from __future__ import annotations

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
}
