"""Tells `streamer` what happens in a django-helpdesk: see README.md beside this folder."""
