from django.http import HttpResponse
from django.views.decorators.common import no_append_slash


def view(request, *args, **kwargs):
    return HttpResponse()


@no_append_slash
def without_redirect(request, *args, **kwargs):
    return HttpResponse()
