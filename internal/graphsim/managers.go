package graphsim

import "net/http"

var managerRoutes = []route{
	{http.MethodGet, "/users/{id}/manager", readsUsers, shows("user", (&User{}).properties(), userDefaults, (*Tenant).getManager)},
}

func (t *Tenant) getManager(q query) answer {
	manager := t.find(q.user.Manager)
	if manager == nil {
		return fault(http.StatusNotFound, "Request_ResourceNotFound", "Resource 'manager' does not exist or one of its queried reference-property objects are not present.")
	}
	all := selected(q, manager.properties())
	all["@odata.type"] = "#microsoft.graph.user"
	return entity("directoryObjects/$entity", all)
}
