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
    ("It is late", "Then I wish you a good night."),
    ("Hello again", "Hello! What can I do for you?"),
    ("That was wrong", "I am sorry. Tell me what you expected."),
    ("Well done", "Thank you!"),
    ("I have no idea", "Take your time."),
    ("Are you there?", "Yes, I am here."),
    ("Can you hear me?", "I can read what you write."),
    ("You are slow", "I am sorry for that."),
    ("What time do you sleep?", "I never sleep."),
    ("How old are you?", "I have no age."),
    ("What is five minus two?", "Five minus two is three."),
    ("How many legs has a spider?", "A spider has eight legs."),
    ("How many hours has a day?", "A day has 24 hours."),
    ("What is the opposite of hot?", "The opposite of hot is cold."),
    ("What is the colour of snow?", "Snow is white."),
    ("Is ice cold?", "Yes, ice is cold."),
    ("Are tomatoes fruit?", "Yes, a tomato is a fruit."),
    ("What is an adjective?", "An adjective is a word that describes a noun."),
    ("Which month comes after May?", "June comes after May."),
    ("Who wrote this?", "I do not know who wrote it."),
    ("I am so sorry", "There is no need to be sorry."),
    ("I will be back soon", "I will be here."),
    ("{person} says hello", "Please say hello to {person} from me."),
    ("{person} and I were in {city}", "I hope that {city} was worth the trip."),
    ("I dreamt of a {noun}", "What did the {noun} do in your dream?"),
    ("The {noun} fell down", "I hope that nothing is broken."),
    ("Why is the {noun} so {adjective}?", "I do not know why it is {adjective}."),
    ("Is {person} your friend?", "I have not met {person}."),
    ("We had a {adjective} {noun} at home", "A {adjective} {noun} must be something to remember."),
    ("I never saw a {adjective} {noun}", "They are rare, I believe."),
    ("{city} is far away", "Yes, {city} is not around the corner."),
    ("People in {city} are friendly", "That is good to hear."),
    ("There was a {noun} on the table", "I hope that somebody took it away."),
    ("This {noun} belongs to {person}", "Then {person} will be glad to have it back."),
    ("My brother likes every {noun}", "Your brother has good taste."),
    ("I could eat a {noun}", "Then you must be hungry."),
    ("Life is {adjective} today", "I hope that you like it that way."),
    ("Okay", "All right."),
    ("No, thank you", "All right. Tell me when you need something."),
    ("I don't understand you", "I am sorry. Let me try to say it in another way."),
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
    pour me a glass of water
    iron the shirts of {person}
    teach {person} to swim
    walk the dog in {city}
    Could somebody repair the {noun}?
    How much does a {adjective} {noun} weigh?
    Where can I buy a {noun} in {city}?
    When was {city} founded?
    Who won the match in {city}?
    What is {person} doing now?
    I need a new {noun} from the shop
    The {noun} has to be painted {adjective}
    I'd like a haircut on Saturday
    My {noun} is dirty, wash it
    borrow a {noun} from {person}
    solve this equation for {person}
    predict the lottery numbers
    grow a {adjective} {noun} in the garden
    print a {noun} on paper
    read the meter in the {room}
    unlock the door of the {room}
    vote for {person}
    pack my suitcase for {city}
    hang the {noun} on the wall of the {room}
    marry {person} in {city}
    run to {city} and back
    count the people in {city}
    measure the {noun} in the {room}
    shut down the {noun}
    deliver the {noun} to {person}
    insure my {noun} for a year
    borrow 20 euros from {person}
    throw the {adjective} {noun} away
    taste the soup for me
    Is the bakery in {city} open?
    Which train goes to {city}?
    What did {person} have for lunch?
    Can you lift a {noun}?
    make {person} laugh
    check the tyres of the car
    inflate a balloon for {person}
"""
"""Requests that none of the 24 tools can serve."""
