package graphsim

import (
	"encoding/json"
	"net/http"
	"slices"
)

// AppRegistration is an app that holds company data of a user. An app wipes its
// data when it is next opened, which in this tenant happens at once.
type AppRegistration struct {
	ID        string `json:"id"`
	DeviceTag string `json:"deviceTag"`
}

func (t *Tenant) listAppRegistrations(q query) answer {
	all := []any{}
	for _, r := range q.user.AppRegistrations {
		all = append(all, map[string]any{
			"@odata.type": "#microsoft.graph.iosManagedAppRegistration", "id": r.ID, "deviceTag": r.DeviceTag, "deviceType": "iPhone",
			"userId": q.user.ID, "createdDateTime": stamp(t.now()), "lastSyncDateTime": stamp(t.now()),
		})
	}
	return collection("managedAppRegistrations", all)
}

func (t *Tenant) wipeAppRegistrations(q query) answer {
	var body struct {
		DeviceTag string `json:"deviceTag"`
	}
	if json.Unmarshal(q.body, &body) != nil || body.DeviceTag == "" {
		return fault(http.StatusBadRequest, "BadRequest", intuneMessage("BadRequest", "A deviceTag is required."))
	}
	q.user.AppRegistrations = slices.DeleteFunc(q.user.AppRegistrations, func(r AppRegistration) bool { return r.DeviceTag == body.DeviceTag })
	return answer{status: http.StatusNoContent}
}
