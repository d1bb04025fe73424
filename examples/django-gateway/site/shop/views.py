from django import forms
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render

from .models import Order


class OrderForm(forms.ModelForm):
    attachment = forms.FileField(required=False)

    class Meta:
        model = Order
        fields = ['item']


def home(request):
    return render(request, 'shop/home.html')


def about(request):
    return render(request, 'shop/about.html')


@login_required
def orders(request):
    form = OrderForm(request.POST or None, request.FILES or None)
    if request.method == 'POST' and form.is_valid():
        attachment = form.cleaned_data['attachment']
        form.instance.customer = request.user
        form.instance.attachment_bytes = attachment.size if attachment else 0
        return redirect('order', form.save().pk)
    mine = Order.objects.filter(customer=request.user).order_by('pk')
    return render(request, 'shop/orders.html', {'form': form, 'orders': mine})


@login_required
def order(request, pk):
    return render(request, 'shop/order.html', {'order': get_object_or_404(Order, pk=pk, customer=request.user)})
