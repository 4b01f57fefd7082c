package graphsim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is one call that the tenant answers, and the permissions of which any
// one set is enough.
type route struct {
	method, shape string
	needs         [][]string
	do            func(t *Tenant, q query) answer
	// whole says that the call is about no single user.
	whole bool
}

// query is a request to a route, after the token and the user were found good.
type query struct {
	request *http.Request
	body    []byte
	// user is who the path names, or whose device it names.
	user      *User
	id        string
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

// route answers a request below /v1.0. The tenant is locked.
func (t *Tenant) route(r *http.Request, path string, body []byte) answer {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !bearer || token == "":
		return unauthorized("Access token is empty.")
	case t.tokens[token].permissions == nil:
		return unauthorized("Access token validation failure. Invalid audience.")
	}
	shape, id := parsePath(path)
	found := false
	for _, route := range routes {
		if route.shape != shape {
			continue
		}
		found = true
		if route.method != r.Method {
			continue
		}
		grant := t.tokens[token]
		intune := isIntune(shape)
		switch {
		case !grant.allows(route.needs) && intune:
			return fault(http.StatusForbidden, "Forbidden", intuneMessage("Forbidden", "Application is not authorized to perform this operation. Application must have one of the following scopes: "+strings.Join(slices.Concat(route.needs...), ", ")))
		case !grant.allows(route.needs):
			return fault(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
		case intune && t.settings.NoIntune:
			return fault(http.StatusBadRequest, "BadRequest", intuneMessage("BadRequest", "Request not applicable to target tenant."))
		}
		user := t.target(shape, id)
		switch {
		case route.whole:
			return route.do(t, query{request: r, body: body, delegated: grant.delegated})
		case user == nil && (strings.HasPrefix(shape, "/users") || !isIntune(shape)):
			return fault(http.StatusNotFound, "Request_ResourceNotFound", fmt.Sprintf("Resource '%s' does not exist or one of its queried reference-property objects are not present.", id))
		case user == nil:
			return deviceNotFound()
		}
		t.checkIn(user)
		return route.do(t, query{request: r, body: body, user: user, id: id, delegated: grant.delegated})
	}
	if found {
		return fault(http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
	}
	return fault(http.StatusBadRequest, "BadRequest", fmt.Sprintf("Resource not found for the segment '%s'.", shape[strings.LastIndex(shape, "/")+1:]))
}

// isIntune reports whether Intune answers, and not Entra: it has a way of its
// own to refuse.
func isIntune(shape string) bool {
	for _, part := range []string{"/deviceManagement/", "/managedDevices", "/managedAppRegistrations", "/removeAllDevicesFromManagement", "/wipeManagedAppRegistrations"} {
		if strings.Contains(shape, part) {
			return true
		}
	}
	return false
}

// target is the user that a path names, or whose device it names.
func (t *Tenant) target(shape, id string) *User {
	if strings.HasPrefix(shape, "/users") {
		return t.find(id)
	}
	for _, user := range t.users {
		if slices.ContainsFunc(user.Devices, func(d Device) bool { return d.ID == id }) ||
			slices.ContainsFunc(user.EntraDevices, func(d EntraDevice) bool { return !d.deleted && d.ID == id }) ||
			slices.ContainsFunc(user.Autopilot, func(a AutopilotIdentity) bool { return !a.deleted && a.ID == id }) {
			return user
		}
	}
	return nil
}

// parsePath puts {id} for the id in a path below /v1.0. A user's name that
// begins with $ is taken only in the form with parentheses, as Graph does.
func parsePath(path string) (shape, id string) {
	if rest, quoted := strings.CutPrefix(path, "/users('"); quoted {
		id, rest, _ = strings.Cut(rest, "')")
		id, _ = url.PathUnescape(id)
		return "/users/{id}" + rest, strings.ReplaceAll(id, "''", "'")
	}
	for _, prefix := range []string{"/users/", "/devices/", "/deviceManagement/managedDevices/", "/deviceManagement/windowsAutopilotDeviceIdentities/"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			id, rest, more := strings.Cut(rest, "/")
			id, _ = url.PathUnescape(id)
			if id == "" || strings.HasPrefix(id, "$") {
				return path, ""
			}
			if more {
				rest = "/" + rest
			}
			return prefix + "{id}" + rest, id
		}
	}
	return path, ""
}
