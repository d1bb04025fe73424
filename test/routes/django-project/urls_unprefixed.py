from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path, re_path

from views import view

urlpatterns = [
    path('api/<slug:name>/', view),
    *i18n_patterns(
        path('', view),
        path('about/', view),
        path('pages/<path:page>/', view),
        re_path(r'^(?P<any>[a-z@-]+)/in/$', view),
        path('shop/', include([path('', view), path('<int:pk>/', view)])),
        prefix_default_language=False,
    ),
]
