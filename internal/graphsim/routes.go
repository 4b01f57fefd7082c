package graphsim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is one call that the tenant answers.
type route struct {
	method string
	// path is the pattern of the path below /v1.0, or with /beta/ before it.
	path string
	// needs holds sets of permissions; a token needs all permissions of one set.
	needs [][]string
	do    func(t *Tenant, q query) answer
	// whole says that the call is not about a single user.
	whole bool
}

// query is a request to a route. A request that matches no route has the zero one.
type query struct {
	request *http.Request
	route   route
	// options are the query options, such as $select.
	options url.Values
	// id is the one that the path names, if it names any.
	id   string
	body []byte
	// user is the user whom the path names, or who owns the device that it names.
	user      *User
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
	{http.MethodGet, "/users/{id}", readsUsers, (*Tenant).getUser, false},
	{http.MethodPatch, "/users/{id}", [][]string{{"User.EnableDisableAccount.All", "User.Read.All"}, {"User.ReadWrite.All"}, {"Directory.ReadWrite.All"}}, (*Tenant).patchUser, false},
	{http.MethodPost, "/users/{id}/revokeSignInSessions", [][]string{{"User.RevokeSessions.All"}, {"User.ReadWrite.All"}, {"Directory.ReadWrite.All"}}, (*Tenant).revokeSessions, false},
	{http.MethodGet, "/users/{id}/managedDevices", readsDevices, (*Tenant).listDevices, false},
	{http.MethodGet, "/deviceManagement/managedDevices", readsDevices, (*Tenant).listManagedDevices, true},
	{http.MethodGet, "/deviceManagement/managedDevices/{id}", readsDevices, (*Tenant).getDevice, false},
	{http.MethodPost, "/users/{id}/removeAllDevicesFromManagement", actsOnDevices, approved((*Tenant).removeAllDevices), false},
	{http.MethodPost, "/deviceManagement/managedDevices/{id}/retire", actsOnDevices, approved((*Tenant).retireDevice), false},
	{http.MethodPost, "/deviceManagement/managedDevices/{id}/wipe", slices.Concat(actsOnDevices, deletesDevices), approved((*Tenant).wipeDevice), false},
	{http.MethodDelete, "/deviceManagement/managedDevices/{id}", deletesDevices, approved((*Tenant).deleteDevice), false},
	{http.MethodGet, "/informationProtection/bitlocker/recoveryKeys", readsKeys, (*Tenant).listRecoveryKeys, true},
	{http.MethodGet, "/users/{id}/registeredDevices", readsUsers, (*Tenant).listRegisteredDevices, false},
	{http.MethodPatch, "/devices/{id}", writesEntra, (*Tenant).patchEntraDevice, false},
	{http.MethodDelete, "/devices/{id}", writesEntra, (*Tenant).deleteEntraDevice, false},
	{http.MethodGet, "/deviceManagement/windowsAutopilotDeviceIdentities", readsAutopilot, (*Tenant).listAutopilot, true},
	{http.MethodDelete, "/deviceManagement/windowsAutopilotDeviceIdentities/{id}", readsAutopilot[1:], (*Tenant).deleteAutopilot, false},
	{http.MethodGet, "/users/{id}/managedAppRegistrations", readsApps, (*Tenant).listAppRegistrations, false},
	{http.MethodPost, "/users/{id}/wipeManagedAppRegistrationsByDeviceTag", readsApps[1:], (*Tenant).wipeAppRegistrations, false},
	{http.MethodGet, "/beta/deviceManagement/operationApprovalRequests", readsApprovals, (*Tenant).listApprovals, true},
}

func allPermissions() []string {
	var all []string
	for _, r := range routes {
		for _, set := range r.needs {
			all = append(all, set...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (g grant) allows(needs [][]string) bool {
	return slices.ContainsFunc(needs, func(set []string) bool {
		return !slices.ContainsFunc(set, func(p string) bool { return !slices.Contains(g.permissions, p) })
	})
}

// calls returns one mux for paths that begin with /users/{id}, or with anything
// else, and one for paths that begin with /users('id'). ServeMux knows wildcards
// for whole segments only, so the two forms cannot share one.
func (t *Tenant) calls() (byID, byKey *http.ServeMux) {
	byID, byKey = http.NewServeMux(), http.NewServeMux()
	byID.Handle("/", t.serve(route{}))
	byKey.Handle("/", t.serve(route{}))
	known := map[string]bool{}
	for _, r := range routes {
		t.register(byID, r, r.path, !known[r.path])
		if below, ofUser := strings.CutPrefix(r.path, "/users/{id}"); ofUser {
			t.register(byKey, r, "/{key}"+below, !known[r.path])
		}
		known[r.path] = true
	}
	return byID, byKey
}

// register adds a route to mux. With the first route of a path it also adds the
// refusals: of methods that no route of the path has, and of unknown segments
// below an id.
func (t *Tenant) register(mux *http.ServeMux, r route, path string, first bool) {
	at := GraphPath + "/v1.0" + path
	if strings.HasPrefix(path, "/beta/") {
		at = GraphPath + path
	}
	mux.Handle(r.method+" "+at, t.serve(r))
	if !first {
		return
	}
	mux.Handle(at, t.serve(r))
	if strings.HasSuffix(at, "}") {
		mux.Handle(at+"/", t.serve(route{path: r.path + "/"}))
	}
}

// serve answers the requests that match a route's pattern.
func (t *Tenant) serve(r route) http.HandlerFunc {
	return func(w http.ResponseWriter, request *http.Request) {
		q := query{request: request}
		if id, ok := idOf(request); ok {
			q.route, q.id = r, id
		}
		t.serveGraph(w, q)
	}
}

// idOf is the id that the path names, if it names any. Graph takes a user's name
// that begins with $ only in the form with parentheses.
func idOf(r *http.Request) (id string, ok bool) {
	if key := r.PathValue("key"); key != "" {
		id, ok = strings.CutSuffix(strings.TrimPrefix(key, "users('"), "')")
		return strings.ReplaceAll(id, "''", "'"), ok
	}
	id = r.PathValue("id")
	return id, !strings.HasPrefix(id, "$")
}

// answer does what a request asks for. The tenant is locked.
func (t *Tenant) answer(q query) answer {
	token, bearer := strings.CutPrefix(q.request.Header.Get("Authorization"), "Bearer ")
	grant := t.tokens[token]
	intune := q.route.intune()
	switch {
	case !bearer || token == "":
		return unauthorized("Access token is empty.")
	case grant.permissions == nil:
		return unauthorized("Access token validation failure. Invalid audience.")
	case q.route.do == nil:
		path, _ := graphPath(q.request)
		return fault(http.StatusBadRequest, "BadRequest", fmt.Sprintf("Resource not found for the segment '%s'.", path[strings.LastIndex(path, "/")+1:]))
	case q.route.method != q.request.Method:
		return fault(http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
	case !grant.allows(q.route.needs) && intune:
		return fault(http.StatusForbidden, "Forbidden", intuneMessage("Forbidden", "Application is not authorized to perform this operation. Application must have one of the following scopes: "+strings.Join(slices.Concat(q.route.needs...), ", ")))
	case !grant.allows(q.route.needs):
		return fault(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	case intune && t.settings.NoIntune:
		return fault(http.StatusBadRequest, "BadRequest", intuneMessage("BadRequest", "Request not applicable to target tenant."))
	}
	q.delegated, q.options = grant.delegated, q.request.URL.Query()
	if q.route.whole {
		return q.route.do(t, q)
	}
	q.user = t.target(q)
	switch {
	case q.user == nil && (q.route.ofUser() || !intune):
		return fault(http.StatusNotFound, "Request_ResourceNotFound", fmt.Sprintf("Resource '%s' does not exist or one of its queried reference-property objects are not present.", q.id))
	case q.user == nil:
		return deviceNotFound()
	}
	t.checkIn(q.user)
	return q.route.do(t, q)
}

// intune reports whether Intune answers the route, which refuses in another way
// than Entra.
func (r route) intune() bool {
	for _, part := range []string{"/deviceManagement/", "/managedDevices", "/managedAppRegistrations", "/removeAllDevicesFromManagement", "/wipeManagedAppRegistrations"} {
		if strings.Contains(r.path, part) {
			return true
		}
	}
	return false
}

// ofUser reports whether the route's id is a user's.
func (r route) ofUser() bool { return strings.HasPrefix(r.path, "/users/") }

// target is the user whom a path names, or who owns the device that it names.
func (t *Tenant) target(q query) *User {
	switch {
	case q.id == "":
		return nil
	case q.route.ofUser():
		return t.find(q.id)
	}
	for _, user := range t.users {
		if q.route.isOf(user, q.id) {
			return user
		}
	}
	return nil
}

// isOf reports whether a user has the object with an id that the route is about.
func (r route) isOf(user *User, id string) bool {
	switch {
	case strings.HasPrefix(r.path, "/devices/"):
		return user.entraDevice(id) != nil
	case strings.HasPrefix(r.path, "/deviceManagement/windowsAutopilotDeviceIdentities/"):
		return user.autopilotIdentity(id) != nil
	}
	return user.device(id) != nil
}
