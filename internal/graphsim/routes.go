package graphsim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
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

// answer is a response before it is written: body is nil for 204.
type answer struct {
	status int
	body   any
	header map[string]string
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

func (t *Tenant) getUser(q query) answer {
	u := q.user
	var synced any
	if u.OnPremisesSyncEnabled {
		synced = true
	}
	all := map[string]any{
		"id": u.ID, "userPrincipalName": u.UserPrincipalName, "displayName": u.DisplayName, "userType": u.UserType,
		"accountEnabled": u.AccountEnabled, "onPremisesSyncEnabled": synced,
		"signInSessionsValidFromDateTime": stamp(u.SessionsValidFrom),
	}
	body := selected(q.request, all, "id", "userPrincipalName", "displayName")
	body["@odata.context"] = "https://graph.microsoft.com/v1.0/$metadata#users/$entity"
	return answer{status: http.StatusOK, body: body}
}

func (t *Tenant) patchUser(q query) answer {
	var patch struct {
		AccountEnabled *bool `json:"accountEnabled"`
	}
	if err := json.Unmarshal(q.body, &patch); err != nil || patch.AccountEnabled == nil {
		return fault(http.StatusBadRequest, "Request_BadRequest", "A value is required for property 'accountEnabled' of resource 'User'.")
	}
	q.user.AccountEnabled = *patch.AccountEnabled
	return answer{status: http.StatusNoContent}
}

func (t *Tenant) revokeSessions(q query) answer {
	q.user.SessionsValidFrom = time.Now().UTC()
	return answer{status: http.StatusOK, body: map[string]any{
		"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean", "value": true,
	}}
}

func (t *Tenant) listDevices(q query) answer {
	size := t.settings.PageSize
	if size <= 0 {
		size = 1000
	}
	from := 0
	if token := q.request.URL.Query().Get("$skiptoken"); token != "" {
		decoded, err := base64.RawURLEncoding.DecodeString(token)
		if from, _ = strconv.Atoi(string(decoded)); err != nil || from <= 0 {
			return fault(http.StatusBadRequest, "BadRequest", "Skip token is invalid.")
		}
	}
	from = min(from, len(q.user.Devices))
	to := min(from+size, len(q.user.Devices))
	page := []any{}
	for _, d := range q.user.Devices[from:to] {
		page = append(page, describe(q, d))
	}
	body := map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users('" + q.user.ID + "')/managedDevices", "value": page}
	if to < len(q.user.Devices) {
		next := url.URL{Scheme: "http", Host: q.request.Host, Path: q.request.URL.Path, RawPath: q.request.URL.RawPath}
		values := q.request.URL.Query()
		values.Set("$skiptoken", base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(to))))
		next.RawQuery = values.Encode()
		body["@odata.nextLink"] = next.String()
	}
	return answer{status: http.StatusOK, body: body}
}

func (t *Tenant) getDevice(q query) answer {
	device := q.device()
	if device == nil {
		return deviceNotFound()
	}
	body := describe(q, *device)
	body["@odata.context"] = "https://graph.microsoft.com/v1.0/$metadata#deviceManagement/managedDevices/$entity"
	return answer{status: http.StatusOK, body: body}
}

func describe(q query, d Device) map[string]any {
	return selected(q.request, map[string]any{
		"id": d.ID, "deviceName": d.Name, "operatingSystem": d.OperatingSystem, "managedDeviceOwnerType": d.OwnerType,
		"managementState": d.State, "lastSyncDateTime": stamp(d.LastSync), "userId": q.user.ID,
		"azureADDeviceId": d.AzureADDeviceID, "serialNumber": d.SerialNumber,
	})
}

func deviceNotFound() answer {
	return fault(http.StatusNotFound, "ResourceNotFound", intuneMessage("ResourceNotFound", "The device was not found."))
}

func (t *Tenant) removeAllDevices(q query) answer {
	if t.settings.DelegatedRemoval && !q.delegated {
		return fault(http.StatusForbidden, "Forbidden", intuneMessage("Forbidden", "Application tokens are not supported by this operation."))
	}
	if refusal, refused := t.spend("retire", len(q.user.Devices), t.settings.DailyRetires); refused {
		return refusal
	}
	for i := range q.user.Devices {
		q.user.Devices[i].retire()
	}
	return answer{status: http.StatusNoContent}
}

func (t *Tenant) retireDevice(q query) answer {
	device := q.device()
	switch {
	case device == nil:
		return deviceNotFound()
	case device.OperatingSystem == "Android" && device.OwnerType == "company":
		return fault(http.StatusBadRequest, "BadRequest", intuneMessage("BadRequest", "Retire is not supported for a corporate device."))
	}
	if refusal, refused := t.spend("retire", 1, t.settings.DailyRetires); refused {
		return refusal
	}
	device.retire()
	return answer{status: http.StatusNoContent}
}

func (t *Tenant) wipeDevice(q query) answer {
	device := q.device()
	switch {
	case device == nil:
		return deviceNotFound()
	case device.OperatingSystem == "Android" && device.OwnerType == "personal":
		return fault(http.StatusBadRequest, "BadRequest", intuneMessage("BadRequest", "Wipe is not supported for a personal work profile."))
	}
	if refusal, refused := t.spend("wipe", 1, t.settings.DailyWipes); refused {
		return refusal
	}
	var body struct {
		KeepUserData bool `json:"keepUserData"`
	}
	if len(q.body) > 0 && json.Unmarshal(q.body, &body) != nil {
		return fault(http.StatusBadRequest, "BadRequest", intuneMessage("BadRequest", "The wipe's parameters cannot be read."))
	}
	device.wipe(body.KeepUserData)
	return answer{status: http.StatusNoContent}
}

func (t *Tenant) deleteDevice(q query) answer {
	device := q.device()
	if device == nil {
		return deviceNotFound()
	}
	if refusal, refused := t.spend("delete", 1, t.settings.DailyDeletes); refused {
		return refusal
	}
	if device.OperatingSystem == "Android" && device.OwnerType == "company" {
		t.wiped = append(t.wiped, device.ID)
	}
	q.user.Devices = slices.DeleteFunc(q.user.Devices, func(d Device) bool { return d.ID == q.id })
	return answer{status: http.StatusNoContent}
}

// device is the one that the path names; it may have left meanwhile.
func (q query) device() *Device {
	for i := range q.user.Devices {
		if q.user.Devices[i].ID == q.id {
			return &q.user.Devices[i]
		}
	}
	return nil
}

// selected keeps what $select names, or else the default names; without either
// it keeps everything.
func selected(r *http.Request, all map[string]any, byDefault ...string) map[string]any {
	names := byDefault
	if list := r.URL.Query().Get("$select"); list != "" {
		names = strings.Split(list, ",")
	}
	if len(names) == 0 {
		return all
	}
	some := make(map[string]any, len(names))
	for _, name := range names {
		if value, known := all[name]; known {
			some[name] = value
		}
	}
	return some
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// intuneMessage is how Intune puts its own error into Graph's message.
func intuneMessage(code, message string) string {
	inner, _ := json.Marshal(map[string]any{
		"_version": 3, "Message": message + " - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000",
		"CustomApiErrorPhrase": "", "RetryAfter": nil, "ErrorSourceService": "", "HttpHeaders": "{}", "ErrorCode": code,
	})
	return string(inner)
}

func unauthorized(message string) answer {
	a := fault(http.StatusUnauthorized, "InvalidAuthenticationToken", message)
	a.header = map[string]string{"WWW-Authenticate": `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"`}
	return a
}

// fault is an error in Graph's shape; innerError is filled in when it is written.
func fault(status int, code, message string) answer {
	return answer{status: status, body: map[string]any{"error": map[string]any{"code": code, "message": message}}}
}
