from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from . import views

# Or the admin has a route that takes everything under /admin/, and the list lets all of it through.
admin.site.final_catch_all_view = False

urlpatterns = [
    path('', views.home, name='home'),
    path('about/', views.about, name='about'),
    path('orders/', views.orders, name='orders'),
    path('orders/<int:pk>/', views.order, name='order'),
    path('login/', LoginView.as_view(), name='login'),
    path('logout/', LogoutView.as_view(), name='logout'),
    path('admin/', admin.site.urls),
]
