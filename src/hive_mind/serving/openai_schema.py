"""Requests of the OpenAI API as they are read here.

What would make an answer another one and is not done here is refused; what is harmless to leave out is ignored, known
to us or not.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hive_mind.conversation import JSON
from hive_mind.serving.openai_errors import refused

CATALOGUE = "catalogue"
COMPLETION_TOKENS = 16
"""What OpenAI's /v1/completions writes where nothing else is asked for."""

MOST_TOOLS = 2048

_NOT_DONE: dict[str, tuple[tuple[Any, ...], str]] = {
    "n": ((1,), "this server gives one answer a request; send the request again for another"),
    "best_of": ((1,), "this server gives one answer a request"),
    "logprobs": ((False, 0), "log probabilities are not returned here"),
    "top_logprobs": ((0,), "log probabilities are not returned here"),
    "logit_bias": (({},), "the logits cannot be biased here; hold the answer with tools, response_format or stop"),
    "frequency_penalty": ((0, 0.0), "penalties are not applied here"),
    "presence_penalty": ((0, 0.0), "penalties are not applied here"),
    "audio": ((), "this model reads and writes text alone"),
    "modalities": ((["text"],), "this model reads and writes text alone"),
    "web_search_options": ((), "this server reaches no network"),
    "functions": (([],), "functions are now called tools: send `tools`"),
    "function_call": (("none", "auto"), "functions are now called tools: send `tool_choice`"),
    "echo": ((False,), "the prompt is not repeated here"),
    "suffix": (("",), "the model only goes on from a prompt; it does not fill a gap"),
}
"""Fields that would change the answer: the values that mean the same as leaving the field out, and why no others."""


class Request(BaseModel):
    """What requests have in common: values of their own type alone and no NaN."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)


class Part(Request):
    """A piece of a message's content."""

    type: str = Field(description="text; pictures, sound and files are refused")
    text: str | None = None
    refusal: str | None = None


class FunctionOfCall(Request):
    """Which function was called, with its arguments as JSON text."""

    name: str = Field(min_length=1)
    arguments: str = ""


class Call(Request):
    """A tool call of an earlier answer."""

    id: str = Field(min_length=1)
    type: Literal["function"] = "function"
    function: FunctionOfCall


class ChatMessage(Request):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str | None = None
    function_call: None = Field(None, description="calls of older clients are not read: send tool_calls")


class Function(Request):
    """A function that may be called; its parameters are a JSON Schema."""

    name: str = Field(min_length=1, max_length=256)
    description: str | None = None
    parameters: JSON | None = None


class DeclaredTool(Request):
    """A tool that the client offers."""

    type: Literal["function"]
    function: Function


class ChosenFunction(Request):
    """A function by name."""

    name: str = Field(min_length=1)


class ChosenTool(Request):
    """The one tool that must be called."""

    type: Literal["function"]
    function: ChosenFunction


class NamedSchema(Request):
    """A JSON Schema that the answer must follow."""

    model_config = ConfigDict(serialize_by_alias=True)

    name: str | None = None
    schema_: JSON | None = Field(None, alias="schema")


class ResponseFormat(Request):
    """What the answer's text must be: free, any JSON object, or JSON of a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None

    @model_validator(mode="after")
    def _schema_where_named(self) -> ResponseFormat:
        if self.type == "json_schema" and (self.json_schema is None or self.json_schema.schema_ is None):
            raise ValueError("json_schema.schema is missing")
        return self


class StreamOptions(Request):
    """How a streamed answer ends."""

    include_usage: bool | None = None


class _Sampled(Request):
    model: str = Field("latest", min_length=1, max_length=256, description="latest, base, an alias or a version")
    temperature: float | None = Field(None, ge=0, le=2, description="0, the model's first choice, if left out")
    top_p: float | None = Field(None, gt=0, le=1)
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: (
        Annotated[str, Field(min_length=1)]
        | Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=16)]
        | None
    ) = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: str | None = Field(None, description="groups what belongs together, unless X-Session-Id does")

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_is_not_done(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name, (neutral, why) in _NOT_DONE.items():
                value = values.get(name)
                if value is not None and not any(type(value) is type(each) and value == each for each in neutral):
                    raise refused(f"{name} is not supported: {why}", name, "unsupported_parameter")
        return values

    @model_validator(mode="after")
    def _options_of_a_stream(self) -> _Sampled:
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options is only allowed with stream=true")
        return self

    @property
    def stops(self) -> tuple[str, ...]:
        """The texts that end the answer."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())


class ChatRequest(_Sampled):
    """POST /v1/chat/completions."""

    messages: list[ChatMessage] = Field(min_length=1)
    tools: Annotated[list[DeclaredTool], Field(max_length=MOST_TOOLS)] | Literal["catalogue"] | None = Field(
        None, description=f'tools, or "{CATALOGUE}" for the best of this server\'s own catalogue'
    )
    tool_choice: Literal["none", "auto", "required"] | ChosenTool | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)


class CompletionRequest(_Sampled):
    """POST /v1/completions: one prompt, as text."""

    prompt: str | Annotated[list[str], Field(min_length=1, max_length=1)]
    max_tokens: int | None = Field(COMPLETION_TOKENS, ge=1)


class FeedbackRequest(Request):
    """POST /v1/feedback: what a person thinks of an answer; an extension of this server."""

    id: str = Field(min_length=1, max_length=256, description="the answer's id, e.g. chatcmpl-...")
    thumb: Literal["up", "down"] | None = None
    comment: str = Field("", max_length=10_000)

    @model_validator(mode="after")
    def _says_something(self) -> FeedbackRequest:
        if self.thumb is None and not self.comment:
            raise ValueError("give a thumb, up or down, or a comment")
        return self
