"""Reads request paths, a JSON list a line, and writes for each what Django makes of it."""
import json
import sys
from io import BytesIO
from urllib.parse import unquote

import django
from django.conf import settings

django.setup()

from django.core.handlers.wsgi import WSGIRequest  # noqa: E402
from django.http import HttpResponse, HttpResponseNotFound  # noqa: E402
from django.middleware.common import CommonMiddleware  # noqa: E402
from django.middleware.locale import LocaleMiddleware  # noqa: E402
from django.urls import Resolver404, get_resolver  # noqa: E402
from django.utils import translation  # noqa: E402

languages = [code for code, _ in settings.LANGUAGES]
has_locale = any('LocaleMiddleware' in name for name in settings.MIDDLEWARE)


def request_for(target, language):
    return WSGIRequest({
        'REQUEST_METHOD': 'GET',
        'SERVER_NAME': 'localhost',
        'SERVER_PORT': '80',
        # As wsgiref and gunicorn do.
        'PATH_INFO': unquote(target.split('?', 1)[0], 'iso-8859-1'),
        'HTTP_ACCEPT_LANGUAGE': language,
        'wsgi.input': BytesIO(),
    })


def resolve(request):
    try:
        get_resolver().resolve(request.path_info)
        return HttpResponse()
    except Resolver404:
        return HttpResponseNotFound()


def answer_in(target, language):
    request = request_for(target, language)
    common = CommonMiddleware(resolve)
    handler = LocaleMiddleware(common) if has_locale else common
    return handler(request).status_code != 404


def answer(target):
    translation.activate(settings.LANGUAGE_CODE)
    return any(answer_in(target, language) for language in (languages if has_locale else languages[:1]))


for line in sys.stdin:
    print(json.dumps([answer(target) for target in json.loads(line)]), flush=True)
