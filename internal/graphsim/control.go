package graphsim

import (
	"encoding/json"
	"net/http"
)

// control is the API of whoever runs the tenant. It has no counterpart in
// Graph and asks for no token: the tenant listens on loopback.
//
//	GET    /control/users      the tenant as it is now
//	POST   /control/users      adds a User
//	GET    /control/groups     the groups as they are now
//	POST   /control/groups     adds a Group
//	POST   /control/devices    {"userId":"…","device":{…}} enrolls a Device
//	PUT    /control/settings   replaces the Settings
//	POST   /control/faults     adds a Fault
//	DELETE /control/faults     removes all faults
//	POST   /control/tokens     {"kind":"delegated","permissions":["…"]} gives {"token":"…"}
//	GET    /control/approvals  the requests for a second administrator's approval
//	POST   /control/approvals  {"id":"…","status":"approved"} decides about one
//	POST   /control/day        begins a new day for the daily limits
//	GET    /control/requests   every request so far
func (t *Tenant) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /control/users", func(w http.ResponseWriter, _ *http.Request) { reply(w, t.Users()) })
	mux.HandleFunc("GET /control/requests", func(w http.ResponseWriter, _ *http.Request) { reply(w, t.Requests()) })
	mux.HandleFunc("GET /control/approvals", func(w http.ResponseWriter, _ *http.Request) { reply(w, t.Approvals()) })
	mux.HandleFunc("POST /control/approvals", take(func(d struct{ ID, Status string }) any {
		return map[string]bool{"decided": t.Decide(d.ID, d.Status)}
	}))
	mux.HandleFunc("POST /control/day", func(w http.ResponseWriter, _ *http.Request) { t.NextDay(); reply(w, struct{}{}) })
	mux.HandleFunc("POST /control/users", take(func(u User) any { return map[string]string{"id": t.Add(u)} }))
	mux.HandleFunc("GET /control/groups", func(w http.ResponseWriter, _ *http.Request) { reply(w, t.Groups()) })
	mux.HandleFunc("POST /control/groups", take(func(g Group) any { return map[string]string{"id": t.AddGroup(g)} }))
	mux.HandleFunc("POST /control/devices", take(func(e struct {
		UserID string
		Device Device
	}) any {
		return map[string]bool{"enrolled": t.Enroll(e.UserID, e.Device)}
	}))
	mux.HandleFunc("PUT /control/settings", take(func(s Settings) any { t.Configure(s); return s }))
	mux.HandleFunc("POST /control/faults", take(func(f Fault) any { t.Fail(f); return f }))
	mux.HandleFunc("DELETE /control/faults", func(w http.ResponseWriter, _ *http.Request) { t.Heal(); reply(w, struct{}{}) })
	mux.HandleFunc("POST /control/tokens", take(func(g struct {
		Kind        string
		Permissions []string
	}) any {
		return map[string]string{"token": t.Token(g.Kind, g.Permissions...)}
	}))
	return mux
}

// take decodes a request's body strictly and answers with what do returns.
func take[T any](do func(T) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body T
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		reply(w, do(body))
	}
}

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
