from django.conf.urls.i18n import i18n_patterns
from django.urls import path
from django.utils.translation import gettext_lazy as _

from views import view

urlpatterns = [
    path('plain/<slug:a>/<slug:b>/', view),
    path(_('January'), view),
    *i18n_patterns(path('', view), path(_('May'), view), path('fixed/', view)),
]
