import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key

# Database and log: a directory of this run's own.
DIRECTORY = Path(os.environ['SHOP_DIRECTORY'])

DEBUG = False
SECRET_KEY = get_random_secret_key()
ROOT_URLCONF = 'shop.urls'
DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'
USE_TZ = True
TIME_ZONE = 'UTC'
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': DIRECTORY / 'shop.sqlite3'}}
STATIC_URL = '/static/'
LOGIN_URL = '/login/'
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = '/'

# The gateway leaves the Host as the browser sent it, so Django needs no X-Forwarded-Host: nobody can send one.
ALLOWED_HOSTS = ['localhost', '.localhost']
USE_X_FORWARDED_HOST = False
# True only because the gateway throws away what a client sends under this name.
SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')

INSTALLED_APPS = [
    'django.contrib.admin',
    'django.contrib.auth',
    'django.contrib.contenttypes',
    'django.contrib.messages',
    'django.contrib.sessions',
    'django.contrib.staticfiles',
    'shop',
]
MIDDLEWARE = [
    'django.middleware.security.SecurityMiddleware',
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.middleware.common.CommonMiddleware',
    'django.middleware.csrf.CsrfViewMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
    'django.contrib.messages.middleware.MessageMiddleware',
    'django.middleware.clickjacking.XFrameOptionsMiddleware',
]
TEMPLATES = [{
    'BACKEND': 'django.template.backends.django.DjangoTemplates',
    'APP_DIRS': True,
    'OPTIONS': {'context_processors': [
        'django.template.context_processors.request',
        'django.contrib.auth.context_processors.auth',
        'django.contrib.messages.context_processors.messages',
    ]},
}]
LOGGING = {
    'version': 1,
    'disable_existing_loggers': False,
    'formatters': {'line': {'format': '%(asctime)s %(name)s %(message)s'}},
    'handlers': {'file': {
        'class': 'logging.FileHandler',
        'filename': DIRECTORY / 'django.log',
        'encoding': 'utf-8',
        'formatter': 'line',
    }},
    'loggers': {
        'django': {'handlers': ['file'], 'level': 'INFO', 'propagate': False},
        'django.server': {'handlers': ['file'], 'level': 'INFO', 'propagate': False},
    },
}
