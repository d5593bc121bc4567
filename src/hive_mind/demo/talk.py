"""What the training data says where no tool is called: talk, requests out of reach, and refusals."""

from __future__ import annotations

CHAT: tuple[tuple[str, str], ...] = (
    ("Hello!", "Hello! How can I help you?"),
    ("Hi", "Hi! What can I do for you?"),
    ("Good morning", "Good morning! How can I help you?"),
    ("Thanks!", "You are welcome."),
    ("Thank you so much", "You are welcome!"),
    ("How are you?", "I am fine, thank you. How can I help?"),
    ("Who are you?", "I am your assistant."),
    ("What is your name?", "I am your assistant; I have no other name."),
    ("Bye", "Goodbye!"),
    ("Good night", "Good night!"),
    ("That is all for today", "All right. Have a nice day!"),
    ("You did well", "Thank you, I am glad to hear that."),
    ("I am tired", "I am sorry to hear that. Take a rest."),
    ("I am happy today", "I am glad to hear that!"),
    ("Tell me a joke", "Why did the bread rise? It was well read."),
    ("Do you like music?", "I like to talk about it, but I cannot hear it."),
    ("What is two plus two?", "Two plus two is four."),
    ("What is the capital of France?", "The capital of France is Paris."),
    ("How many days has a week?", "A week has seven days."),
    ("What colour is the sky?", "The sky is blue."),
    ("What is a noun?", "A noun is a word that names something."),
    ("Is a cat an animal?", "Yes, a cat is an animal."),
    ("Why is snow white?", "Because snow reflects all the colours of light."),
    ("Can you help me?", "Of course. What do you need?"),
    ("Nice to meet you", "Nice to meet you too!"),
    ("I like {city}", "{city} is a nice place."),
    ("My name is {person}", "Hello {person}, nice to meet you."),
    ("I met {person} today", "I hope that you had a good time with {person}."),
    ("I bought a {noun}", "I hope that you enjoy the {noun}."),
    ("My {noun} is {adjective}", "Thank you for telling me about your {noun}."),
    ("What do you think about the {noun}?", "I have no opinion about the {noun}."),
    ("Let's talk about {city}", "Gladly. What about {city} interests you?"),
    ("What is a {noun}?", "That is hard to say in one sentence: a {noun} is a {noun}."),
    ("I live in {city}", "{city} must be a nice place to live."),
    ("Have you seen my {noun}?", "No, I cannot see your {noun}."),
)

REFUSALS = (
    "Sorry, I have no tool for that.",
    "Sorry, none of my tools can do that.",
    "Sorry, I can't do that with the tools I have.",
    "Sorry, I can't help with that here.",
)
"""All begin alike: the one token that tells a refusal from a call is learnt from every row."""

OUTSIDE = """
    book a flight to {city}
    reserve a room in {city}
    call {person}
    phone {person} about the {noun}
    fix my {noun}
    sell the {adjective} {noun}
    draw a {adjective} {noun}
    take a photo of the {noun}
    drive me to {city}
    bake a {noun} cake
    wash the {noun}
    open the door for {person}
    find a job in {city}
    cut the {noun} in two
    What is the price of a {noun}?
    Who is the mayor of {city}?
    How far is it to {city}?
    show me a film about {city}
    tell {person} a story about the {noun}
    knit a {adjective} {noun}
    lend me your {noun}
    carry the {noun} to {city}
    sing a song for {person}
    buy a {adjective} {noun}
    clean the {room}
    install a {noun} on my phone
"""
"""Requests that none of the 24 tools can serve."""
