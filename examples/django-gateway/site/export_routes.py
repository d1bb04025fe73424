import json
from django.conf import settings as s
from django.urls import get_resolver
from django.urls.converters import REGISTERED_CONVERTERS
from django.urls.resolvers import LocalePrefixPattern, RegexPattern
from django.utils.translation import check_for_language, override

def route(entry):
    pattern = entry.pattern
    text = {'re' if isinstance(pattern, RegexPattern) else 'path': str(pattern)}
    if not hasattr(entry, 'url_patterns'):
        return {**text, 'appendSlash': getattr(entry.callback, 'should_append_slash', True)}
    inside = [route(each) for each in entry.url_patterns]
    if isinstance(pattern, LocalePrefixPattern):
        return {'i18n': inside, 'prefixDefaultLanguage': pattern.prefix_default_language}
    return {'include': text, 'routes': inside}

locale = any('LocaleMiddleware' in name for name in s.MIDDLEWARE)
languages = [code for code, _ in s.LANGUAGES if check_for_language(code)] if locale else [s.LANGUAGE_CODE]
routes = {}
for code in [s.LANGUAGE_CODE, *languages]:
    with override(code):
        routes[code] = [route(each) for each in get_resolver().url_patterns]
if all(each == routes[s.LANGUAGE_CODE] for each in routes.values()):
    routes = routes[s.LANGUAGE_CODE]
files = {'static': s.STATIC_URL, 'media': s.MEDIA_URL}
print(json.dumps({
    'routes': routes, 'appendSlash': s.APPEND_SLASH, 'prefix': s.FORCE_SCRIPT_NAME or '',
    'languages': languages, 'defaultLanguage': s.LANGUAGE_CODE, 'localeRedirect': locale,
    'converters': {name: each.regex for name, each in REGISTERED_CONVERTERS.items()},
    **{name: url for name, url in files.items() if url and url.strip('/') != (s.FORCE_SCRIPT_NAME or '').strip('/')},
}))
