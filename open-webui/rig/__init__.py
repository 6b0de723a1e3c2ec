"""Drives real Open WebUIs against a real gateway, and judges what went over the wire.

Invariant: Open WebUI, the gateway, its shards and Traefik are the real programs. Only the language model is a stand-in,
because none can be had offline; it applies OpenAI's rules and plays the script that a message holds.
"""
