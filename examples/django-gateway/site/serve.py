"""Serves the project on a free loopback port, with a fresh database and one user, until its stdin ends."""
import json
import os
import secrets
import shutil
import sys
import threading

os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')

import django

django.setup()

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application


def without_body_for_head(application):
    """The server of Django 3.2 sends one, which a proxy takes for garbage after the response."""
    def answer(environ, start_response):
        body = application(environ, start_response)
        if environ['REQUEST_METHOD'] != 'HEAD':
            return body
        getattr(body, 'close', lambda: None)()
        return [b'']
    return answer


password = secrets.token_urlsafe(9)
call_command('migrate', verbosity=0)
get_user_model().objects.create_superuser('demo', password=password)

# What runserver does; it can't be asked for a free port.
server = ThreadedWSGIServer(('127.0.0.1', 0), WSGIRequestHandler)
server.daemon_threads = True
server.set_app(without_body_for_head(StaticFilesHandler(get_wsgi_application())))
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({'port': server.server_port, 'user': 'demo', 'password': password}), flush=True)

# The gateway holds the other end: it closes also where the gateway was killed.
sys.stdin.read()
server.shutdown()
server.server_close()
shutil.rmtree(settings.DIRECTORY, ignore_errors=True)
