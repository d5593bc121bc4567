"""The first schema: interactions, their calls, who saw them, and which files hold them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "tool_lists",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("tools", sa.Text, nullable=False),
    )
    op.create_table(
        "interactions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("time", sa.String(20), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("version", sa.Text),
        sa.Column("latency_ms", sa.Float),
        sa.Column("messages", sa.Text, nullable=False),
        sa.Column("tools", sa.String(64), sa.ForeignKey("tool_lists.digest")),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("results", sa.Text, nullable=False),
        sa.Column("call_key", sa.String(32)),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("thumb", sa.String(8)),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_by", sa.String(16), nullable=False),
        sa.Column("correction", sa.Text),
        sa.Column("created", sa.String(20), nullable=False),
        sa.Column("updated", sa.String(20), nullable=False),
    )
    op.create_index("interactions_by_time", "interactions", ["time"])
    op.create_index("interactions_by_state", "interactions", ["state", "time"])
    op.create_index("interactions_by_session", "interactions", ["session"])
    op.create_index("interactions_by_call_key", "interactions", ["call_key"])
    op.create_table(
        "calls",
        sa.Column("interaction", sa.String(32), sa.ForeignKey("interactions.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
    )
    op.create_index("calls_by_call_id", "calls", ["call_id"])
    op.create_index("calls_by_name", "calls", ["name"])
    op.create_table(
        "identities",
        sa.Column("identity", sa.String(32), primary_key=True),
        sa.Column("interaction", sa.String(32), sa.ForeignKey("interactions.id"), nullable=False),
    )
    op.create_index("identities_by_interaction", "identities", ["interaction"])
    op.create_table(
        "sightings",
        sa.Column("interaction", sa.String(32), sa.ForeignKey("interactions.id"), primary_key=True),
        sa.Column("source", sa.String(32), primary_key=True),
        sa.Column("client", sa.Text, primary_key=True),
        sa.Column("session", sa.Text, primary_key=True),
        sa.Column("time", sa.String(20), primary_key=True),
    )
    op.create_table(
        "exports",
        sa.Column("interaction", sa.String(32), sa.ForeignKey("interactions.id"), primary_key=True),
        sa.Column("file", sa.Text, primary_key=True),
        sa.Column("time", sa.String(20), nullable=False),
    )
