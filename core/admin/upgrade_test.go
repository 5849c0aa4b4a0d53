package admin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestUpgradeOfAPluginIsAnswered(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	api := New(Config{}, &fakeNode{}).API(true)
	for _, c := range []struct {
		path   string
		status int
		says   string
	}{
		{"/v1/plugins/mqtt/upgrade", http.StatusOK, `"connections":3,"pause_ms":1.5,"from":"1","to":"2"`},
		{"/v1/plugins/mqtt/upgrade?sha256=" + sum, http.StatusOK, `"to":"2a"`},
		{"/v1/plugins/mqtt/upgrade?sha256=abc", http.StatusBadRequest, `"field":"sha256"`},
		{"/v1/plugins/orders/upgrade", http.StatusConflict, `"code":"in_core"`},
		{"/v1/plugins/broken/upgrade", http.StatusInternalServerError, "exited with status 1"},
		{"/v1/plugins/none/upgrade", http.StatusNotFound, `"code":"not_found"`},
	} {
		r := httptest.NewRequest(http.MethodPost, c.path, nil)
		r.Host, r.RemoteAddr = "127.0.0.1:8080", "127.0.0.1:1"
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %s, want %d with %s", c.path, w.Code, w.Body, c.status, c.says)
		}
	}
}
