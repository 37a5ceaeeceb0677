// Sends the authorization response on by itself; without it the page's button does.

HTMLFormElement.prototype.submit.call(document.getElementById("form-post"));
