"""The one command: mounts the sub-commands of each package and imports them lazily."""

from __future__ import annotations

import importlib
import os
import sys

import click
import typer
from typer.core import TyperGroup

from data.errors import InputError

_MOUNTS = {
    "learn": ("learn", "Learn a bot from support logs: log → dataset → model → index → Rasa model."),
    "data": ("data.cli", "Logs to datasets: import, report."),
    "model": ("finetune.cli", "Train, evaluate, compare and promote models."),
    "index": ("retrieval.cli", "Build and search the index of answers."),
    "serve": ("bot.cli:serve", "Serve the bot: Redis, actions, Rasa worker and gateway."),
    "shell": ("bot.cli:shell", "Talk to the bot in the terminal (rasa shell)."),
    "init": ("bot.cli:init", "Make a workspace for your own shop."),
    "users": ("bot.cli:users", "Who may sign in as an agent."),
    "doctor": ("bot.cli:doctor", "What is installed, reachable, and which versions are live."),
}
