import os

# What differs from test to test.
ROOT_URLCONF = os.environ.get('PROJECT_URLCONF', 'urls')
APPEND_SLASH = os.environ.get('PROJECT_APPEND_SLASH', '1') == '1'
LANGUAGE_CODE = os.environ.get('PROJECT_LANGUAGE_CODE', 'en')

SECRET_KEY = 'of a project that serves nobody'
ALLOWED_HOSTS = ['*']
USE_I18N = True
USE_TZ = True
LANGUAGES = [('en', 'English'), ('de', 'German'), ('pt-br', 'Portuguese'), ('zh-hans', 'Chinese'), ('xx', 'None')]
STATIC_URL = '/static/'
MEDIA_URL = '/media/'
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}
INSTALLED_APPS = [
    'django.contrib.admin',
    'django.contrib.auth',
    'django.contrib.contenttypes',
    'django.contrib.sessions',
    'django.contrib.messages',
    'django.contrib.staticfiles',
]
MIDDLEWARE = [
    'django.contrib.sessions.middleware.SessionMiddleware',
    *(['django.middleware.locale.LocaleMiddleware'] if os.environ.get('PROJECT_LOCALE', '1') == '1' else []),
    'django.middleware.common.CommonMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
    'django.contrib.messages.middleware.MessageMiddleware',
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
