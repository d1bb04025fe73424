from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path, re_path, register_converter

from views import view, without_redirect


class Year:
    regex = r'(?:19|20)\d{2}'

    def to_python(self, value):
        return int(value)

    def to_url(self, value):
        return str(value)


register_converter(Year, 'yyyy')

lines = [
    path('', view),
    path('<int:line>/', view),
    path('<int:line>/notes', view),
    re_path(r'^(?P<kind>[a-z]{2,4})-(?P=kind)/$', view),
]

shop = [
    path('', view),
    path('orders/', view),
    path('orders/<int:pk>/', view),
    path('orders/<int:pk>/lines/', include(lines)),
    path('<slug:name>/<uuid:key>/', view),
    path('<str:first>-<str:second>.<str:third>', view),
    re_path(r'^export\.(csv|json)$', view),
    re_path(r'^old/', include([re_path(r'^(?P<rest>\w+)/?$', view)])),
]

urlpatterns = [
    path('', view),
    path('admin/', admin.site.urls),
    path('shop/', include(shop)),
    path('shop/', include([path('second/', view)])),
    path('users/<str:name>/', view),
    path('users/<str:name>/edit', view),
    path('files/<path:file>', view),
    path('files/<path:folder>/list/', view),
    path('tags/<slug:tag>/', view),
    path('numbers/<int:a><int:b>/', view),
    path('keys/<uuid:key>', view),
    path('years/<yyyy:year>/', view),
    path('years/<yyyy:year>/<int:month>/', view),
    path('quiet/', without_redirect),
    path('no (plain) [text].*+?/', view),
    path('büro/straße/', view),
    path('a b/', view),
    path('slashless', include([path('/inside/', view)])),
    path('<int:site>/', include([path('home/', view), re_path(r'^x*$', view)])),
    re_path(r'^articles/(?P<year>[0-9]{4})/$', view),
    re_path(r'^articles/(?P<year>[0-9]{4})/(?P<month>[0-9]{2})/(?P<slug>[\w-]+)/$', view),
    re_path(r'^digits/\d+/\w+/$', view),
    re_path(r'^spaces/\S+\s\S+$', view),
    re_path(r'^dollar/(?:a|b)$', view),
    re_path(r'^price\$', view),
    re_path(r'^end/\Z', view),
    re_path(r'(?i)^case/strasse-[k-s]+/$', view),
    re_path(r'''(?x) ^verbose/  # the comment
        (?P<a> [^/]+ ) / $''', view),
    re_path(r'(?s)^dots/.+/$', view),
    re_path(r'^word/\bfoo\b', view),
    re_path(r'anywhere/$', view),
    re_path(r'^open/a{,3}b{2}c{1,}/', view),
    re_path(r'^class/[]a-c\]\-.]+/$', view),
    re_path(r'^page/(?:(?P<page>\d+)/)?$', view),
    re_path(r'^tail(?=/x)', include([path('/x', view), path('/xy/', view)])),
    re_path(r'^before/\w+(?<!secret)/$', view),
    re_path(r'^[^\W\d_]+-name/$', view),
    re_path(r'^(?P<section>\w+)/in/', include([path('<slug:s>/', view), re_path('^$', view)])),
]

urlpatterns += i18n_patterns(path('about/', view), path('news/<int:pk>/', view), path('deep/', include(lines)))
