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
    ("Hello there", "Hello! How can I help you?"),
    ("Hey", "Hey! How can I help you?"),
    ("Good day", "Good day! What can I do for you?"),
    ("Hi, it is {person}", "Hello {person}, what can I do for you?"),
    ("Here I am again", "Welcome back! How can I help you?"),
    ("Thank you, {person} will like it", "You are welcome."),
    ("Thanks, that was quick", "You are welcome!"),
    ("Thanks for everything", "You are welcome."),
    ("That was very kind", "I am glad that you think so."),
    ("Perfect", "I am glad to hear that."),
    ("Good job", "Thank you!"),
    ("See you on Monday", "Goodbye, until Monday!"),
    ("Goodbye for now", "Goodbye!"),
    ("I have to leave", "Goodbye!"),
    ("Sleep well", "Thank you, good night!"),
    ("How do you feel?", "I am fine, thank you. How can I help?"),
    ("Are you well?", "I am fine, thank you."),
    ("Are you a robot?", "I am an assistant, a program."),
    ("Are you {person}?", "No, I am your assistant."),
    ("Where do you live?", "I live on this machine."),
    ("Can you think?", "I can answer, which is not the same."),
    ("Do you like {city}?", "I have never been in {city}."),
    ("Do you like the {noun}?", "I have no opinion about the {noun}."),
    ("Do you dream?", "No, I do not dream."),
    ("What is four plus four?", "Four plus four is eight."),
    ("What is ten minus three?", "Ten minus three is seven."),
    ("What is two times six?", "Two times six is twelve."),
    ("What is half of ten?", "Half of ten is five."),
    ("What is the capital of Spain?", "The capital of Spain is Madrid."),
    ("What is the capital of Norway?", "The capital of Norway is Oslo."),
    ("What is the capital of Japan?", "The capital of Japan is Tokyo."),
    ("What is the capital of Egypt?", "The capital of Egypt is Cairo."),
    ("What is the capital of Germany?", "The capital of Germany is Berlin."),
    ("What is the largest animal?", "The largest animal is the blue whale."),
    ("What is the smallest month?", "The shortest month is February."),
    ("What is the name of the sea near {city}?", "I do not know which sea is near {city}."),
    ("What is the colour of milk?", "Milk is white."),
    ("What is the colour of a lemon?", "A lemon is yellow."),
    ("What is a pronoun?", "A pronoun is a word that stands for a noun."),
    ("What is a letter?", "A letter is a sign that stands for a sound."),
    ("What is better, a {noun} or nothing?", "That depends on what you want to do."),
    ("How many days has June?", "June has 30 days."),
    ("How many minutes has an hour?", "An hour has sixty minutes."),
    ("How many wheels has a bicycle?", "A bicycle has two wheels."),
    ("How many fingers has a hand?", "A hand has five fingers."),
    ("Is a spider an insect?", "No, a spider is no insect."),
    ("Is a bat a bird?", "No, a bat is a mammal."),
    ("Is a horse larger than a mouse?", "Yes, a horse is larger than a mouse."),
    ("Is the moon a star?", "No, the moon is no star."),
    ("Is fire hot?", "Yes, fire is hot."),
    ("Is a {noun} heavy?", "That depends on the {noun}."),
    ("Why do birds sing?", "Birds sing to find each other."),
    ("Why is the sea salty?", "Rivers bring salt into the sea."),
    ("Who are your friends?", "I have no friends, but I like to help."),
    ("I was in {city} last week", "I hope that you had a good time in {city}."),
    ("I was in {city} last summer", "I hope that you liked {city}."),
    ("I travelled to {city} in spring", "I hope that {city} was nice in spring."),
    ("I spent a year in {city}", "A year in {city} must be something to remember."),
    ("I stayed in {city} for a week", "I hope that the week in {city} was nice."),
    ("I have never seen {city}", "Perhaps you will see {city} one day."),
    ("I grew up in {city}", "{city} must be a special place for you."),
    ("My sister lives in {city}", "I hope that your sister likes {city}."),
    ("My cousin is named {person}", "{person} is a good name."),
    ("My boss is named {person}", "I hope that {person} is a kind boss."),
    ("My neighbour {person} has a {noun}", "I hope that {person} likes the {noun}."),
    ("My dog is called {person}", "{person} is a good name for a dog."),
    ("My {noun} is old", "Old things can be very good."),
    ("My {noun} is gone", "I am sorry to hear that."),
    ("I broke my {noun}", "I am sorry about your {noun}."),
    ("I forgot my {noun}", "I hope that you find your {noun}."),
    ("I found a {noun} today", "Then it is your lucky day."),
    ("I love my {noun}", "I am glad that you like your {noun}."),
    ("I hate this {noun}", "I am sorry to hear that."),
    ("I believe that the {noun} is {adjective}", "You may be right about the {noun}."),
    ("I had a great day", "I am glad to hear that!"),
    ("I had a bad morning", "I am sorry to hear that."),
    ("I feel ill", "I am sorry to hear that. Get well soon."),
    ("I am bored", "I am sorry to hear that. We can talk."),
    ("I am hungry", "Then it is time to eat something."),
    ("I am a bit sad", "I am sorry to hear that."),
    ("I am so happy", "I am glad to hear that!"),
    ("We had a nice day", "I am glad to hear that!"),
    ("We won the match", "Well done!"),
    ("It rains all day", "I hope that the sun comes back soon."),
    ("It was fun", "I am glad to hear that."),
    ("{person} is ill", "I hope that {person} gets well soon."),
    ("{person} got married", "That is good news!"),
    ("{person} has a new {noun}", "I hope that {person} likes it."),
    ("{person} is my best friend", "It is good to have a friend like {person}."),
    ("{person} lives in {city}", "I hope that {person} likes {city}."),
    ("There is a {noun} in my bed", "That sounds strange."),
    ("There is a {adjective} {noun} behind the house", "That sounds interesting."),
    ("What would you say about a {adjective} {noun}?", "I have no opinion about it."),
    ("What would {person} do without a {noun}?", "I do not know {person}."),
    ("Forget what I said", "All right."),
    ("It does not matter", "All right."),
    ("Leave it", "All right."),
    ("Yes", "All right."),
    ("No", "All right."),
    ("Maybe later", "All right. Tell me when you need something."),
    ("Let me think", "Take your time."),
    ("Wait a moment", "Of course."),
    ("Just a second", "Take your time."),
    ("Really?", "Yes, as far as I know."),
    ("Are you sure?", "I may be wrong, please check it."),
    ("That is not true", "I am sorry. What is right?"),
    ("I don't believe you", "I am sorry to hear that."),
    ("Interesting", "I am glad that you like it."),
    ("Sorry, my mistake", "There is no need to be sorry."),
    ("Can I ask you something?", "Of course. What do you want to know?"),
    ("What can you do?", "I can answer, and use the tools that I am given."),
    ("Tell me something", "The sea is larger than all land together."),
    ("Tell me a story", "Once there was a {noun} that wanted to see {city}. It never came back."),
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
    raise the fence by {number} centimetres
    fill the bath with {number} buckets
    lower the blinds in the {room} to {number}
    dig a hole of {number} metres
    plant {number} trees in {city}
    paint the {room} {adjective}
    sweep the stairs of the {room}
    polish {number} spoons
    connect the printer {stem} to the network
    restart the server {stem}
    restart {branch} in {city}
    install the program {branch}
    shut the window in the {room}
    print {number} copies of {file}
    develop the film {stem}
    crop the photo {file}
    sign the contract {file}
    frame the picture of {person}
    upload {file} to the cloud
    burn {file} on a disc
    reserve {number} seats for {person}
    book a table for {number} in {city}
    find a doctor in {city}
    get me a taxi in {city}
    look for a flat in {city}
    call a locksmith to {city}
    pick up {person} at the station of {city}
    introduce me to {full_name}
    transfer {number} dollars to {full_name}
    lend {person} {number} dollars
    donate {number} to the {noun} club
    withdraw {number} from my account
    refund {full_name} for the {noun}
    follow {full_name}
    block {full_name}
    greet {full_name} from me
    let {person} into the house
    open the garage door
    start the washing machine
    run the dishwasher for {number} minutes
    set the oven to {number}
    The oven needs {number}, turn it on
    cool the fridge to {number}
    warm up the {noun}
    boil {number} eggs
    cook {number} portions of rice
    fry {number} slices of bread
    make tea for {person}
    mix {number} drinks
    walk the dog for {number} minutes
    brush the horse {person}
    My cat {person} needs food
    give {person} a bath
    The goldfish {person} looks ill, call the vet
    measure my pulse
    count {number} steps
    I ran {number} kilometres, tell my coach
    I slept {number} hours, keep it in the statistics
    I drank {number} glasses, count them
    renew my passport
    extend the subscription {stem} by {number} months
    subscribe me to {stem}
    unsubscribe me from {stem}
    ban {person} from {stem}
    turn the camera {stem} on
    The camera {stem} is dirty, clean it
    reset the router {stem}
    The printer {branch} is out of paper
    repair the machine {branch}
    scale {branch} up to {number}
    where is my luggage {stem}?
    Has the package for {person} arrived?
    order {number} envelopes from the shop
    I need {number} batteries, get some
    get {number} tickets for the theatre
    bid {number} for the {adjective} {noun}
    bet {number} on {person}
    move {number} boxes to the {room}
    The {room} smells, air it
    The carpet in the {room} is dusty, clean it
    mop the {room}
    heat up the {room}
    decorate the {room} for {person}
    spray the roses in {city}
    mow the grass for {number} minutes
    rake {number} heaps of leaves
    shovel the snow for {number} minutes
    open the {adjective} door
    ring the bell at {city}
    close the door {branch} behind me
    The door {branch} has to be open tonight
    let the drone fly for {number} minutes
    land the drone in {city}
    drive the van to the {noun}
    refuel the van with {number} gallons
    load {number} crates into the van
    ask {full_name} to the dance
    send flowers to {full_name}
    knock at the door of {person}
    compose a song about {city}
    write a poem about the {noun}
    explain the {noun} to {person}
    What is {number} times {number}?
    How tall is {full_name}?
    How old is the {noun} of {person}?
    Which team won {number} to {number}?
    Who lives in the {room}?
    What is on television tonight?
    How many people live in {city}?
    Is the museum in {city} open?
    Is it {adjective} to eat a {noun}?
    check the tyre pressure, it should be {number}
    archive the chat {stem}
    leave the group {stem} for {number} days
    stay quiet in {stem} for {number} minutes
    share the screen with {person}
    record a video of {number} seconds
    take {number} pictures of {city}
    zoom in on the {noun}
    make the letters {number} points tall
    rotate {file} by {number}
    stretch {file} to {number} pixels
"""
OUTSIDE_SLOTS = ("city", "person", "full_name", "noun", "adjective", "room", "number", "stem", "branch", "file")
"""Requests that none of the 24 tools can serve, and what their gaps are filled with."""
