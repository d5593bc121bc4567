"""What the sample world's user says at home: weather, music, time, light, food, words and money. See phrases."""

from __future__ import annotations

FRAMES: dict[str, str] = {
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
        I'd like the weather for {city} on {day}
        Could you check the weather in {city}?
        I go to {city} on {day}, how is the weather there?
        Does it snow in {city} on {day}?
        what about the weather in {city}
        check if it rains in {city} on {day}
        What does the weather in {city} look like, in {unit}?
        Will {city} be warm on {day}?
        give me the temperature of {city} in {unit}
        I am in {city} on {day}, do I need a hat?
        the temperature in {city}, in {unit} please
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
        I'd like {song} by {artist}
        Could you play {song}?
        let me listen to {song} by {artist}
        I am in the mood for {song}
        how about {song} by {artist}
        the next thing I want to hear is {song}
        play something by {artist}, namely {song}
        let's dance to {song}
        sing along with me, play {song} by {artist}
        I love {song}, put it on
        by {artist} I want {song}
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
        I'd prefer the volume at {level}
        could you set volume to {level}
        take the volume to {level}
        let the volume be {level}
        move the volume up to {level}
        move the volume down to {level}
        bring it down to volume {level}
        I can hear nothing, volume {level}
        go to {level} with the volume
        have the volume at {level}
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
        I'd like a playlist {title} made of {songs}
        Could you make a playlist {title} with {songs}?
        Take {songs} and make the playlist {title}
        {songs} should go into a new playlist, {title}
        the playlist is called {title} and has {songs}
        prepare the playlist {title}, songs: {songs}
        let there be a playlist {title} with {songs}
        we need the playlist {title}: {songs}
        get me {songs} as a playlist with the name {title}
        I like {songs}, so make them a playlist called {title}
        playlist name {title}, songs {songs}
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
        I'd like a timer for {minutes} minutes
        could you time {minutes} minutes
        the {label} has to cook {minutes} minutes, set the timer
        {minutes} minutes on the timer
        let the timer go for {minutes} minutes
        begin a timer of {minutes} minutes for my {label}
        I want to be called in {minutes} minutes
        keep the time for the {label}: {minutes} minutes
        have a timer ring after {minutes} minutes
        time my {label}, {minutes} minutes
        there are {minutes} minutes left for the {label}, watch the time
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
        I'd like an alarm at {time}
        could you wake me at {time}
        an alarm for {time}
        please make me get up at {time}
        the alarm should go at {time}
        I have to wake up at {time}
        get me out of bed at {time}
        put the alarm at {time}
        I'd like to wake up at {time} each day | repeat=true
        let the alarm ring daily at {time} | repeat=true
        day after day an alarm at {time} | repeat=true
        have me up at {time} every morning | repeat=true
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
        I'd like to have {text} in {language}
        could you translate {text} into {language}
        into {language}, please: {text}
        the text is {text}, I need it in {language}
        What do they say for {text} in {language}?
        make {text} sound {language}
        translate this to {language}: {text}
        how is {text} written in {language}?
        let me hear {text} in {language}
        tell me the {language} words for {text}
        how do I say {text} in {language}?
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
        I'd like {amount} {source} in {target}
        could you convert {amount} {source} to {target}
        tell me what {amount} {source} are in {target}
        I get {amount} {source}, what is that in {target}?
        in {target}, how much is {amount} {source}?
        give me {target} for {amount} {source}
        What would {amount} {source} cost in {target}?
        it costs {amount} {source}, and in {target}?
        I want {target}, I have {amount} {source}
        how many {target} will {amount} {source} make?
        convert this: {amount} {source}, into {target}
        calculate {amount} {source} in {target}
        from {source} to {target}: {amount}
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
        I'd like light in the {room} | on=true
        could you put the light on in the {room} | on=true
        light for the {room} | on=true
        I can't see anything in the {room}, the light please | on=true
        I enter the {room}, light on | on=true
        the {room} should be bright | on=true
        I'd like the {room} to be dark | on=false
        make it dark in the {room} | on=false
        we leave the {room}, light off | on=false
        no more light in the {room} | on=false
        put out the light in the {room} | on=false
        have the light in the {room} at {brightness} percent | on=true
        bring the light in the {room} to {brightness} | on=true
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
        I'd like {dish}, bring it to {street} in {city}
        could you order {dish} to {street}, {city}
        please deliver {portions} {dish} at {street}, {city}
        the address is {street}, {city}, we want {dish}
        To {street} in {city}: {portions} portions of {dish}
        have {dish} brought to {street}, {city}
        {portions} {dish} for {street} in {city}
        we eat {dish} today, order it to {street} in {city}
        get some {dish} to {street}, {city}
        can {dish} be delivered to {street} in {city}?
        we eat {portions} {dish} tonight and live at {street} in {city}
    """,
}
