// Sends the authorization response on by itself; without it the page's button does. A plain script in the oldest words
// there are, for browsers that know no modules: some clients are old, and this page is nobody's choice.

HTMLFormElement.prototype.submit.call(document.getElementById("form-post"));
