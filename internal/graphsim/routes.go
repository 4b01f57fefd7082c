package graphsim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver/internal/ascii"
)

// route is one call that the tenant answers.
type route struct {
	method string
	// path is the path below /v1.0, or with /beta before it, and has {wildcards}. By
	// {id} the tenant finds the user; a call without it is about no single user.
	path  string
	needs [][]string // sets of permissions; a token needs all permissions of one set
	do    func(t *Tenant, q query) answer
}

// query is a request to a route. A request that matches no route has the zero one.
type query struct {
	request   *http.Request
	path      string
	route     route
	options   url.Values    // the query options, such as $select
	match     *http.Request // holds what the path has for the route's wildcards
	id        string        // what the path has for {id}
	body      []byte
	user      *User // whom the path names, or who owns the device that it names
	delegated bool
}

var (
	readsUsers     = [][]string{{"User.Read.All"}, {"User.ReadWrite.All"}, {"Directory.Read.All"}, {"Directory.ReadWrite.All"}}
	readsDevices   = [][]string{{"DeviceManagementManagedDevices.Read.All"}, {"DeviceManagementManagedDevices.ReadWrite.All"}}
	actsOnDevices  = [][]string{{"DeviceManagementManagedDevices.PrivilegedOperations.All"}}
	deletesDevices = [][]string{{"DeviceManagementManagedDevices.ReadWrite.All"}}
	readsKeys      = [][]string{{"BitlockerKey.ReadBasic.All"}, {"BitlockerKey.Read.All"}}
	writesEntra    = [][]string{{"Device.ReadWrite.All"}, {"Directory.AccessAsUser.All"}}
	readsAutopilot = [][]string{{"DeviceManagementServiceConfig.Read.All"}, {"DeviceManagementServiceConfig.ReadWrite.All"}}
	readsApps      = [][]string{{"DeviceManagementApps.Read.All"}, {"DeviceManagementApps.ReadWrite.All"}}
	readsApprovals = [][]string{{"DeviceManagementConfiguration.Read.All"}, {"DeviceManagementRBAC.Read.All"}}
)

var routes = []route{
	{http.MethodGet, "/users/{id}", readsUsers, (*Tenant).getUser},
	{http.MethodGet, "/directory/deletedItems/{id}", readsUsers, (*Tenant).getDeletedUser},
	{http.MethodPatch, "/users/{id}", [][]string{{"User.EnableDisableAccount.All", "User.Read.All"}, {"User.ReadWrite.All"}, {"Directory.ReadWrite.All"}}, (*Tenant).patchUser},
	{http.MethodPost, "/users/{id}/revokeSignInSessions", [][]string{{"User.RevokeSessions.All"}, {"User.ReadWrite.All"}, {"Directory.ReadWrite.All"}}, (*Tenant).revokeSessions},
	{http.MethodGet, "/users/{id}/managedDevices", readsDevices, (*Tenant).listDevices},
	{http.MethodGet, "/deviceManagement/managedDevices", readsDevices, (*Tenant).listManagedDevices},
	{http.MethodGet, "/deviceManagement/managedDevices/{id}", readsDevices, (*Tenant).getDevice},
	{http.MethodPost, "/users/{id}/removeAllDevicesFromManagement", actsOnDevices, approved((*Tenant).removeAllDevices)},
	{http.MethodPost, "/deviceManagement/managedDevices/{id}/retire", actsOnDevices, approved((*Tenant).retireDevice)},
	{http.MethodPost, "/deviceManagement/managedDevices/{id}/wipe", slices.Concat(actsOnDevices, deletesDevices), approved((*Tenant).wipeDevice)},
	{http.MethodDelete, "/deviceManagement/managedDevices/{id}", deletesDevices, approved((*Tenant).deleteDevice)},
	{http.MethodGet, "/informationProtection/bitlocker/recoveryKeys", readsKeys, (*Tenant).listRecoveryKeys},
	{http.MethodGet, "/users/{id}/registeredDevices", readsUsers, (*Tenant).listRegisteredDevices},
	{http.MethodPatch, "/devices/{id}", writesEntra, (*Tenant).patchEntraDevice},
	{http.MethodDelete, "/devices/{id}", writesEntra, (*Tenant).deleteEntraDevice},
	{http.MethodGet, "/deviceManagement/windowsAutopilotDeviceIdentities", readsAutopilot, (*Tenant).listAutopilot},
	{http.MethodDelete, "/deviceManagement/windowsAutopilotDeviceIdentities/{id}", readsAutopilot[1:], approved((*Tenant).deleteAutopilot)},
	{http.MethodGet, "/users/{id}/managedAppRegistrations", readsApps, (*Tenant).listAppRegistrations},
	{http.MethodPost, "/users/{id}/wipeManagedAppRegistrationsByDeviceTag", readsApps[1:], approved((*Tenant).wipeAppRegistrations)},
	{http.MethodGet, "/beta/deviceManagement/operationApprovalRequests", readsApprovals, (*Tenant).listApprovals},
}

// allows reports whether a token may make a call. One without permissions may make all.
func (g grant) allows(needs [][]string) bool {
	return len(g.permissions) == 0 || slices.ContainsFunc(needs, func(set []string) bool {
		return !slices.ContainsFunc(set, func(p string) bool { return !slices.Contains(g.permissions, p) })
	})
}

// patterns is a mux that finds the route of a path. The first route of a path is also
// found by the methods that no route of the path has.
func patterns() *http.ServeMux {
	mux, known := http.NewServeMux(), map[string]bool{}
	for _, route := range routes {
		found := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			q := w.(found).query
			if id, ok := named(r.PathValue("id")); ok || !strings.Contains(route.path, "{id}") {
				q.route, q.match, q.id = route, r, id
			}
		})
		mux.Handle(route.method+" "+route.path, found)
		if !known[route.path] {
			mux.Handle(route.path, found)
		}
		known[route.path] = true
	}
	return mux
}

// found takes the route that a mux finds, and nothing of what the mux answers by itself:
// Graph neither redirects nor words its refusals so.
type found struct{ *query }

func (found) Header() http.Header         { return http.Header{} }
func (found) Write(p []byte) (int, error) { return len(p), nil }
func (found) WriteHeader(int)             {}

// parse finds the route of a request, or one of the same path and another method. The path is as it was sent.
// ServeMux has wildcards for whole segments only, so the form users('name') is read as a segment of its own.
func (t *Tenant) parse(r *http.Request, path string, body []byte) query {
	q := query{request: r, path: path, body: body, options: r.URL.Query()}
	if target, err := url.Parse(strings.Replace(inGraphsCase(path), "/users('", "/users/('", 1)); err == nil && target.Host == "" {
		t.patterns.ServeHTTP(found{&q}, &http.Request{Method: r.Method, URL: target, Host: r.Host})
	}
	return q
}

// inGraphsCase writes a path's own words as Graph does, which takes them in any case.
func inGraphsCase(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		word, key, isKeyed := strings.Cut(segment, "('")
		for _, route := range routes {
			for _, known := range strings.Split(route.path, "/") {
				if ascii.EqualFold(word, known) {
					word = known
				}
			}
		}
		if segments[i] = word; isKeyed {
			segments[i] = word + "('" + key
		}
	}
	return strings.Join(segments, "/")
}

// named is what a segment names. Graph takes a user's name that begins with $ only in the form users('name').
func named(segment string) (name string, ok bool) {
	name, _ = url.PathUnescape(segment)
	if key, quoted := strings.CutPrefix(name, "('"); quoted {
		name, ok = strings.CutSuffix(key, "')")
		return strings.ReplaceAll(name, "''", "'"), ok && name != ""
	}
	return name, !slices.Contains([]string{"", ".", ".."}, name) && !strings.HasPrefix(name, "$")
}

// answer does what a request asks for. The tenant is locked.
func (t *Tenant) answer(q query) answer {
	token, bearer := strings.CutPrefix(q.request.Header.Get("Authorization"), "Bearer ")
	grant, known := t.tokens[token]
	intune := q.route.intune()
	switch {
	case !bearer || token == "":
		return unauthorized("Access token is empty.")
	case !known:
		return unauthorized("Access token validation failure. Invalid audience.")
	case q.route.do == nil:
		return fault(http.StatusBadRequest, "BadRequest", fmt.Sprintf("Resource not found for the segment '%s'.", q.path[strings.LastIndex(q.path, "/")+1:]))
	case q.options.Has("$expand"):
		return fault(http.StatusBadRequest, "BadRequest", "Query option 'Expand' is not allowed.")
	case q.route.method != q.request.Method:
		return fault(http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
	case !grant.allows(q.route.needs) && intune:
		return intuneFault(http.StatusForbidden, "Forbidden", "Application is not authorized to perform this operation. Application must have one of the following scopes: "+strings.Join(slices.Concat(q.route.needs...), ", "))
	case !grant.allows(q.route.needs):
		return fault(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	case intune && t.settings.NoIntune:
		return intuneFault(http.StatusBadRequest, "BadRequest", "Request not applicable to target tenant.")
	}
	t.checkIn()
	q.delegated, q.user = grant.delegated, t.target(q)
	switch {
	case q.user != nil || q.id == "":
		return q.route.do(t, q)
	case q.route.ofUser() || !intune:
		return fault(http.StatusNotFound, "Request_ResourceNotFound", fmt.Sprintf("Resource '%s' does not exist or one of its queried reference-property objects are not present.", q.id))
	}
	return intuneFault(http.StatusNotFound, "ResourceNotFound", "The device was not found.")
}

// intune reports whether Intune answers the route, which refuses in another way than Entra.
func (r route) intune() bool {
	return len(r.needs) > 0 && strings.HasPrefix(r.needs[0][0], "DeviceManagement")
}

// ofUser reports whether the route's id is a user's.
func (r route) ofUser() bool {
	return strings.HasPrefix(r.path, "/users/") || strings.HasPrefix(r.path, "/directory/deletedItems/")
}

// target is the user whom a path names, or who has the object that it names.
func (t *Tenant) target(q query) *User {
	if strings.HasPrefix(q.route.path, "/users/") {
		return t.find(q.id)
	}
	collection, _, _ := strings.Cut(q.route.path, "/{id}")
	for _, user := range t.users {
		switch {
		case collection == "/directory/deletedItems" && user.Deleted && ascii.EqualFold(user.ID, q.id),
			collection == "/devices" && user.entraDevice(q.id) != nil,
			collection == "/deviceManagement/windowsAutopilotDeviceIdentities" && user.autopilotIdentity(q.id) != nil,
			collection == "/deviceManagement/managedDevices" && user.device(q.id) != nil:
			return user
		}
	}
	return nil
}
