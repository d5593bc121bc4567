"""The sample world: one imagined user and the 24 tools that this user works with.

Names and schemas were written for this project. A parameter's *slot* says which kind of value of the lexicon fills it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hive_mind.conversation import JSON, Tool
from hive_mind.sources.bash_commands import BASH

OPTIONAL = "?"


@dataclass(frozen=True)
class Parameter:
    """A parameter of a tool: its schema, and the slots that its value is made of."""

    name: str
    schema: JSON
    slot: str = ""
    required: bool = True


@dataclass(frozen=True)
class WorldTool:
    """A tool of the sample world, with what it answers: `outcome` is a result's JSON, `told` how it is retold."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    outcome: str
    told: str

    def declaration(self) -> Tool:
        """The tool's compact declaration: types, enums and nesting, no words about parameters."""
        if self.name == BASH.name:
            return BASH
        schema: JSON = {"type": "object", "properties": {p.name: p.schema for p in self.parameters}}
        schema["required"] = [p.name for p in self.parameters if p.required]
        return Tool(self.name, self.description, schema)


def text(name: str, slot: str, required: bool = True) -> Parameter:
    """Declare a parameter that holds text, drawn from a slot of the word lists."""
    return Parameter(name, {"type": "string"}, slot, required)


def number(name: str, slot: str = "number", required: bool = True) -> Parameter:
    """Declare a whole number."""
    return Parameter(name, {"type": "integer"}, slot, required)


def flag(name: str, required: bool = True) -> Parameter:
    """Declare a yes or no."""
    return Parameter(name, {"type": "boolean"}, "", required)


def choice(name: str, *options: str, required: bool = True) -> Parameter:
    """Declare one of several words."""
    return Parameter(name, {"type": "string", "enum": list(options)}, "", required)


ADDRESS: JSON = {
    "type": "object",
    "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
    "required": ["street", "city"],
}

TOOLS: tuple[WorldTool, ...] = (
    WorldTool("bash", BASH.description, (text("command", "command"),), "exit 0", "The command ran."),
    WorldTool("file_show", "Show a file.", (text("path", "path"),), "{path}: {n} lines", "Here is {path}."),
    WorldTool(
        "file_rename",
        "Rename a file.",
        (text("old", "path"), text("new", "path")),
        "renamed",
        "{old} is now called {new}.",
    ),
    WorldTool(
        "files_find",
        "Find files by name.",
        (text("pattern", "pattern"), text("folder", "folder", False)),
        "{n} files",
        "I found {n} files for {pattern}.",
    ),
    WorldTool(
        "event_add",
        "Add an event to the calendar.",
        (text("title", "occasion"), text("day", "day"), text("time", "time", False)),
        "added",
        "{title} is in your calendar.",
    ),
    WorldTool(
        "events_list", "List the events of a day.", (text("day", "day"),), "{n} events", "You have {n} events on {day}."
    ),
    WorldTool(
        "event_cancel",
        "Cancel an event.",
        (text("title", "occasion"), text("day", "day", False)),
        "cancelled",
        "{title} is cancelled.",
    ),
    WorldTool(
        "weather_get",
        "Get the weather of a city.",
        (text("city", "city"), text("day", "day", False), choice("unit", "celsius", "fahrenheit", required=False)),
        "{n} degrees, cloudy",
        "It is cloudy in {city} with {n} degrees.",
    ),
    WorldTool(
        "music_play",
        "Play a song.",
        (text("song", "song"), text("artist", "artist", False)),
        "playing",
        "Now playing {song}.",
    ),
    WorldTool("volume_set", "Set the volume.", (number("level"),), "volume {level}", "The volume is at {level}."),
    WorldTool(
        "playlist_make",
        "Make a playlist of songs.",
        (text("title", "heading"), Parameter("songs", {"type": "array", "items": {"type": "string"}}, "song")),
        "created",
        "The playlist {title} is ready.",
    ),
    WorldTool(
        "note_save",
        "Save a note.",
        (text("title", "heading"), text("text", "saying")),
        "saved",
        "I saved the note {title}.",
    ),
    WorldTool(
        "notes_find",
        "Search the notes.",
        (text("query", "heading"),),
        "{n} notes",
        "There are {n} notes about {query}.",
    ),
    WorldTool(
        "git_commit", "Commit the staged changes.", (text("message", "change"),), "commit {n}", "Committed: {message}."
    ),
    WorldTool(
        "git_switch",
        "Switch to a branch.",
        (text("branch", "branch"), flag("create", False)),
        "on {branch}",
        "You are on {branch} now.",
    ),
    WorldTool(
        "git_log", "Show the last commits.", (number("count"),), "{count} commits", "Here are the last {count} commits."
    ),
    WorldTool(
        "mail_send",
        "Send an email.",
        (text("to", "person"), text("subject", "heading"), text("body", "saying", False), flag("urgent", False)),
        "sent",
        "Your email to {to} is sent.",
    ),
    WorldTool(
        "timer_set",
        "Start a timer.",
        (number("minutes"), text("label", "dish", False)),
        "running",
        "The timer runs for {minutes} minutes.",
    ),
    WorldTool(
        "alarm_set",
        "Set an alarm.",
        (text("time", "time"), flag("repeat", False)),
        "set",
        "The alarm is set for {time}.",
    ),
    WorldTool(
        "text_translate",
        "Translate a text.",
        (text("text", "saying"), text("language", "language")),
        "translated",
        "Here it is in {language}.",
    ),
    WorldTool(
        "money_convert",
        "Convert an amount of money.",
        (number("amount"), text("source", "currency"), text("target", "currency")),
        "{n} {target}",
        "{amount} {source} are {n} {target}.",
    ),
    WorldTool(
        "light_set",
        "Switch the light of a room.",
        (text("room", "room"), flag("on"), number("brightness", required=False)),
        "done",
        "The light in the {room} is set.",
    ),
    WorldTool(
        "task_add",
        "Add a task to the list.",
        (text("task", "doing"), choice("priority", "low", "normal", "high", required=False)),
        "task {n}",
        "I added the task: {task}.",
    ),
    WorldTool(
        "food_order",
        "Order food to an address.",
        (text("dish", "dish"), number("portions", "small", required=False), Parameter("address", ADDRESS, "address")),
        "order {n}",
        "Your {dish} is on its way.",
    ),
)

UNSEEN: tuple[WorldTool, ...] = (
    WorldTool("bike_rent", "Rent a bike.", (text("dock", "city"), number("hours", "small")), "", ""),
    WorldTool("lawn_water", "Water the lawn.", (number("litres"),), "", ""),
    WorldTool("pet_feed", "Feed a pet.", (text("animal", "person"), number("grams")), "", ""),
    WorldTool(
        "coffee_brew",
        "Brew coffee.",
        (number("cups", "small"), choice("strength", "mild", "strong", required=False)),
        "",
        "",
    ),
    WorldTool("car_park", "Park the car.", (text("spot", "folder"),), "", ""),
    WorldTool("sensor_calibrate", "Calibrate a sensor.", (text("sensor", "branch"),), "", ""),
    WorldTool("bill_pay", "Pay a bill.", (text("payee", "full_name"), number("sum")), "", ""),
    WorldTool("plumber_hire", "Hire a plumber.", (text("district", "city"),), "", ""),
    WorldTool("badge_scan", "Scan a badge.", (text("holder", "full_name"),), "", ""),
    WorldTool("gate_lock", "Lock a gate.", (text("gate", "branch"),), "", ""),
    WorldTool("parcel_track", "Track a parcel.", (text("parcel", "stem"),), "", ""),
    WorldTool("weight_record", "Record a body weight.", (number("kilos"),), "", ""),
    WorldTool("pool_heat", "Heat the pool.", (number("degrees", "small"),), "", ""),
    WorldTool("picture_resize", "Resize a picture.", (text("image", "file"), number("width")), "", ""),
    WorldTool("stamps_buy", "Buy stamps.", (number("quantity"),), "", ""),
    WorldTool("scooter_charge", "Charge a scooter.", (text("scooter", "stem"), number("percent")), "", ""),
    WorldTool(
        "guest_invite", "Invite a guest.", (text("guest", "full_name"), text("occasion", "occasion", False)), "", ""
    ),
    WorldTool("floor_vacuum", "Vacuum a floor.", (text("area", "room"),), "", ""),
    WorldTool("service_deploy", "Deploy a service.", (text("service", "branch"), text("region", "city")), "", ""),
    WorldTool("channel_mute", "Mute a channel.", (text("channel", "stem"), number("seconds")), "", ""),
)
"""Tools that training never sees: no name, verb, noun or parameter of theirs occurs in the 24."""

BY_NAME: dict[str, WorldTool] = {tool.name: tool for tool in (*TOOLS, *UNSEEN)}


def arguments_in_order(tool: WorldTool, given: dict[str, Any]) -> dict[str, Any]:
    """The arguments in the order of the schema."""
    return {parameter.name: given[parameter.name] for parameter in tool.parameters if parameter.name in given}
