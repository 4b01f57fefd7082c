package graphsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver/internal/ascii"
)

// expanding are the paths that take $expand, whose rows always hold what they may expand.
var expanding = []string{packagesPath, packageRequestsPath}

// route is one call that the tenant answers.
type route struct {
	method string
	// path is the path below /v1.0, or with /beta before it, and has {wildcards}. By
	// {id} the tenant finds the user, who must be there; by {user} too, who may be missing. A call without
	// either is about no single user.
	path  string
	needs [][]string // sets of permissions; a token needs all permissions of one set
	do    func(t *Tenant, q query) answer
}

// query is a request to a route. A request that matches no route has the zero one.
type query struct {
	request  *http.Request
	path     string
	route    route
	options  url.Values        // the query options, such as $select
	named    map[string]string // what the path has for the route's wildcards
	id       string            // what it has for {id}
	selected []string          // the properties that $select names
	context  string            // what $select adds to the answer's @odata.context
	body     []byte
	user     *User // whom the path names, or who owns the device that it names
	grant    grant // of the token
}

var (
	readsUsers     = [][]string{{"User.Read.All"}, {"User.ReadWrite.All"}, {"Directory.Read.All"}, {"Directory.ReadWrite.All"}}
	readsDirectory = [][]string{{"Directory.Read.All"}, {"Directory.ReadWrite.All"}}
	writesUsers    = [][]string{{"User.ReadWrite.All"}, {"Directory.ReadWrite.All"}}
	enablesUsers   = slices.Concat([][]string{{"User.EnableDisableAccount.All", "User.Read.All"}}, writesUsers)
	readsDevices   = [][]string{{"DeviceManagementManagedDevices.Read.All"}, {"DeviceManagementManagedDevices.ReadWrite.All"}}
	actsOnDevices  = [][]string{{"DeviceManagementManagedDevices.PrivilegedOperations.All"}}
	deletesDevices = [][]string{{"DeviceManagementManagedDevices.ReadWrite.All"}}
	readsKeys      = [][]string{{"BitlockerKey.ReadBasic.All"}, {"BitlockerKey.Read.All"}}
	writesEntra    = [][]string{{"Device.ReadWrite.All"}, {"Directory.AccessAsUser.All"}}
	readsAutopilot = [][]string{{"DeviceManagementServiceConfig.Read.All"}, {"DeviceManagementServiceConfig.ReadWrite.All"}}
	readsApps      = [][]string{{"DeviceManagementApps.Read.All"}, {"DeviceManagementApps.ReadWrite.All"}}
	readsApprovals = [][]string{{"DeviceManagementConfiguration.Read.All"}, {"DeviceManagementRBAC.Read.All"}}
)

// routes are all that the tenant answers; each area lists its own beside what it answers.
var routes = slices.Concat(coreRoutes, appRoleRoutes, appOwnerRoutes, packageRoutes, driveRoutes, telephoneRoutes, peopleRoutes, methodRoutes, deletionRoutes, sponsorRoutes,
	roleRoutes, licenseRoutes, unitRoutes, riskRoutes, groupRoutes, teamRoutes, groupScheduleRoutes, mailboxRoutes, domainRoutes, exchangeRoutes, mailRoutes)

var coreRoutes = []route{
	{http.MethodGet, "/users/{id}", readsUsers, shows("user", (&User{}).properties(), userDefaults, (*Tenant).getUser)},
	{http.MethodGet, "/directory/deletedItems/{id}", readsUsers, (*Tenant).getDeletedUser},
	{http.MethodGet, "/users/{id}/transitiveMemberOf", readsDirectory, (*Tenant).listMemberships},
	{http.MethodPatch, "/users/{id}", slices.Concat(enablesUsers, setsPasswords), (*Tenant).patchUser},
	{http.MethodPatch, "/users/{id}", slices.Concat([][]string{{"User.EnableDisableAccount.All", "User.Read.All"}}, writesUsers), (*Tenant).patchUser},
	{http.MethodPost, "/users/{id}/revokeSignInSessions", slices.Concat([][]string{{"User.RevokeSessions.All"}}, writesUsers), (*Tenant).revokeSessions},
	{http.MethodGet, "/users/{id}/managedDevices", readsDevices, showsDevices((*Tenant).listDevices)},
	{http.MethodGet, "/users/{id}/managedDevices/{device}", readsDevices, showsDevices((*Tenant).getUsersDevice)},
	{http.MethodGet, "/deviceManagement/managedDevices", readsDevices, showsDevices((*Tenant).listManagedDevices)},
	{http.MethodGet, "/deviceManagement/managedDevices/{id}", readsDevices, showsDevices((*Tenant).getDevice)},
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
	{http.MethodGet, "/organization", [][]string{{"Organization.Read.All"}, {"Directory.Read.All"}, {"Directory.ReadWrite.All"}}, (*Tenant).getOrganization},
	{http.MethodPost, batchPath, nil, nil}, // the requests that it holds need permissions of their own
}

// allows reports whether a token may make a call. One without permissions may make all.
func (g grant) allows(needs [][]string) bool {
	return len(g.permissions) == 0 || len(needs) == 0 || slices.ContainsFunc(needs, func(set []string) bool {
		return !slices.ContainsFunc(set, func(p string) bool { return !slices.Contains(g.permissions, p) })
	})
}

// parse finds the route of a request, or the first one of the same path and another method. Graph takes the
// words of a path in any case; what stands for a wildcard is kept as it was sent.
func (t *Tenant) parse(r *http.Request, path string, body []byte) query {
	q := query{request: r, path: path, body: body, options: r.URL.Query()}
	if list := q.options.Get("$select"); list != "" {
		q.selected = strings.Split(strings.ReplaceAll(list, " ", ""), ",")
	}
	sent := segments(path)
	for _, route := range routes {
		named, ok := route.match(sent)
		if !ok || q.route.path != "" && route.method != r.Method {
			continue
		}
		q.route, q.named, q.id = route, named, named["id"]
		if route.method == r.Method {
			break
		}
	}
	return q
}

// segments splits a path. The key in users('name') is a segment of its own, with its brackets and quotes.
func segments(path string) (all []string) {
	for _, segment := range strings.Split(path, "/") {
		segment, err := url.PathUnescape(segment)
		if err != nil {
			return nil
		}
		word, key, keyed := strings.Cut(segment, "('")
		if keyed && word != "" {
			all = append(all, word, "('"+key)
		} else {
			all = append(all, segment)
		}
	}
	return all
}

// match reports whether a path is the route's, and what it has for the route's wildcards.
func (r route) match(sent []string) (named map[string]string, ok bool) {
	own := strings.Split(r.path, "/")
	if len(own) != len(sent) {
		return nil, false
	}
	named = map[string]string{}
	for i, word := range own {
		wildcard, isWildcard := strings.CutPrefix(word, "{")
		switch {
		case isWildcard:
			if named[strings.TrimSuffix(wildcard, "}")], ok = name(sent[i]); !ok {
				return nil, false
			}
		case !ascii.EqualFold(word, sent[i]):
			return nil, false
		}
	}
	return named, true
}

// name is what a segment names. Graph takes a user's name that begins with $ only in the form users('name').
func name(segment string) (name string, ok bool) {
	if key, quoted := strings.CutPrefix(segment, "('"); quoted {
		name, ok = strings.CutSuffix(key, "')")
		return strings.ReplaceAll(name, "''", "'"), ok && name != ""
	}
	return segment, !slices.Contains([]string{"", ".", ".."}, segment) && !strings.HasPrefix(segment, "$")
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
	case q.route.path == "":
		return fault(http.StatusBadRequest, "BadRequest", fmt.Sprintf("Resource not found for the segment '%s'.", q.path[strings.LastIndex(q.path, "/")+1:]))
	case q.route.method != q.request.Method:
		return fault(http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
	case !grant.allows(q.route.needs) && intune:
		return intuneFault(http.StatusForbidden, "Forbidden", "Application is not authorized to perform this operation. Application must have one of the following scopes: "+strings.Join(slices.Concat(q.route.needs...), ", "))
	case !grant.allows(q.route.needs) && q.route.exchange():
		return mailboxDenied()
	case !grant.allows(q.route.needs) && q.route.exchangeAdmin():
		return cmdletFault(http.StatusForbidden, "Forbidden", "The role assigned to application isn't supported in this scenario.")
	case !grant.allows(q.route.needs):
		return fault(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	case q.options.Has("$expand") && !slices.Contains(expanding, q.route.path):
		return fault(http.StatusBadRequest, "BadRequest", "Query option 'Expand' is not allowed.")
	case intune && t.settings.NoIntune:
		return intuneFault(http.StatusBadRequest, "BadRequest", "Request not applicable to target tenant.")
	case q.route.path == batchPath:
		return t.batch(q)
	}
	t.checkIn()
	q.grant, q.user = grant, t.target(q)
	switch {
	case q.user != nil && q.user.NotInIntune && q.route.ofUser() && intune:
		return intuneFault(http.StatusNotFound, "ResourceNotFound", "The user was not found.")
	case q.user != nil || q.id == "":
		return q.route.do(t, q)
	case q.route.ofUser() || !intune:
		return fault(http.StatusNotFound, "Request_ResourceNotFound", fmt.Sprintf("Resource '%s' does not exist or one of its queried reference-property objects are not present.", q.id))
	}
	return noDevice()
}

// intune reports whether Intune answers the route, which refuses in another way than Entra.
func (r route) intune() bool {
	return len(r.needs) > 0 && strings.HasPrefix(r.needs[0][0], "DeviceManagement")
}

// exchange reports whether Exchange answers the route.
func (r route) exchange() bool {
	return len(r.needs) > 0 && (strings.HasPrefix(r.needs[0][0], "MailboxSettings.") || strings.HasPrefix(r.needs[0][0], "Calendars.") || r.needs[0][0] == "Mail.Send")
}

// ofUser reports whether the route's id is a user's.
func (r route) ofUser() bool {
	return strings.HasPrefix(r.path, "/users/") || strings.HasPrefix(r.path, "/directory/deletedItems/")
}

// subject is the user whom the body of a request is about, where the path names none.
func (q query) subject() string {
	var body struct {
		PrincipalID string
		UserIDs     []string
	}
	if q.request.Method != http.MethodPost || json.Unmarshal(q.body, &body) != nil || len(body.UserIDs) > 1 {
		return ""
	}
	return strings.Join(append(body.UserIDs, body.PrincipalID), "")
}

// target is the user whom a request names, or who has the object that its path names.
func (t *Tenant) target(q query) *User {
	if strings.HasPrefix(q.route.path, "/users/") {
		return t.findLate(q)
	}
	if q.route.exchangeAdmin() {
		return t.meant(parametersOf(q))
	}
	if user := q.named["user"]; user != "" {
		return t.find(user)
	}
	if user := t.find(q.subject()); user != nil {
		return user
	}
	collection, _, _ := strings.Cut(q.route.path, "/{id}")
	for _, user := range t.users {
		switch {
		case collection == "/roleManagement/directory/roleAssignments" && user.role(q.id) != nil,
			collection == "/directory/deletedItems" && user.Deleted && ascii.EqualFold(user.ID, q.id),
			collection == "/devices" && user.entraDevice(q.id) != nil,
			collection == "/oauth2PermissionGrants" && user.grant(q.id) != nil,
			collection == "/deviceManagement/windowsAutopilotDeviceIdentities" && user.autopilotIdentity(q.id) != nil,
			collection == "/deviceManagement/managedDevices" && user.device(q.id) != nil:
			return user
		}
	}
	return nil
}
