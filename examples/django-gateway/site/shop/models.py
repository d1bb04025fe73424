from django.conf import settings
from django.db import models


class Order(models.Model):
    customer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    item = models.CharField(max_length=80)
    attachment_bytes = models.PositiveBigIntegerField(default=0, editable=False)

    def __str__(self):
        return self.item
