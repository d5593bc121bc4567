"""What the sample world's user says at work: calendar, notes, mail and tasks. See phrases."""

from __future__ import annotations

FRAMES: dict[str, str] = {
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
        I'd like to have {title} in the calendar for {day} at {time}
        Could you add {title} on {day} at {time}?
        we agreed on {title} on {day} at {time}, write it into my calendar
        set up an event for {day} at {time}: {title}
        the event is {title}, the day is {day}, add it
        for {day} at {time}: {title}, add that event
        get {title} into my calendar, {day} at {time}
        {title} is on {day}, add it to my calendar
        I will be at {title} on {day} at {time}, add an event
        reserve {time} on {day} for {title}
        let my calendar show {title} on {day}
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
        give me my events of {day}
        I'd like to hear my plans for {day}
        Have I any plans for {day}?
        Could you look up my calendar on {day}?
        my events on {day}?
        how does {day} look in my calendar?
        Are there appointments on {day}?
        let me know the events for {day}
        check my calendar for {day}
        What comes up on {day}?
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
        I'd like to cancel {title}
        get rid of {title} in my calendar
        my {title} is off, cancel it
        Could you cancel {title} on {day}?
        I don't want to go to {title} on {day}, cancel that
        {title} on {day} does not take place, remove the event
        erase {title} from my calendar
        {title} can be deleted from the calendar
        I am ill, so cancel {title} on {day}
        the event called {title} has to go
        forget about {title} on {day}, take it out
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
        I'd like to note under {title}: {text}
        Could you save a note {title} with {text}?
        add to my notes, as {title}: {text}
        there should be a note {title} that reads {text}
        let me note something as {title}: {text}
        write {text} into the note {title}
        I have to remember {text}, save it as {title}
        the title is {title}, the note is {text}
        save {text} under the title {title}
        a note for me, {title}: {text}
        start a note named {title} with the words {text}
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
        I'd like to see my notes about {query}
        could you find the note about {query}
        check my notes for {query}
        in which note did I write of {query}?
        have I noted something about {query}?
        my notes on {query}, where are they?
        open the notes that speak of {query}
        Find what I wrote in my notes about {query}
        What is in my notes about {query}?
        let me see every note with {query}
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
        I'd like to mail {to} about {subject}
        could you send {to} a mail about {subject}
        get a mail to {to} with the subject {subject}
        {to} needs an email about {subject} that says {body}
        an email for {to}, about {subject}, with the text {body}
        the mail goes to {to}, the subject is {subject}, the text is {body}
        make it an urgent mail to {to} about {subject} | urgent=true
        {to} has to get an urgent email about {subject} | urgent=true
        urgent mail to {to}, subject {subject} | urgent=true
        send an email about {subject} to {to}
        send the words {body} to {to} by email, subject {subject}
        I want to write a mail about {subject} to {to}
        prepare an email to {to} with subject {subject} and the words {body}
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
        I'd like to have {task} on my list
        could you add the task {task}
        there is something to do: {task}
        I should not forget to {task}
        my task: {task}
        put down {task} as a task
        let me {task} one day, add it to the tasks
        a task of {priority} priority, {task}
        add {task}, the priority is {priority}
        this has {priority} priority: {task}, add it as a task
        enter a task with {priority} priority: {task}
        write it on my list: {task}
    """,
}
