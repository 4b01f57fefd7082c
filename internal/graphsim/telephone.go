package graphsim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

const numbersPath = "/admin/teams/telephoneNumberManagement"

var (
	readsNumbers    = [][]string{{"TeamsTelephoneNumber.Read.All"}, {"TeamsTelephoneNumber.ReadWrite.All"}}
	telephoneRoutes = []route{
		{http.MethodGet, numbersPath + "/numberAssignments", readsNumbers, (*Tenant).listNumbers},
		{http.MethodPost, numbersPath + "/numberAssignments/unassignNumber", readsNumbers[1:], (*Tenant).unassignNumber},
		{http.MethodGet, numbersPath + "/operations/{operation}", readsNumbers, (*Tenant).getOperation},
	}
)

// PhoneNumber is a telephone number that a user has in Teams.
type PhoneNumber struct {
	Number   string `json:"telephoneNumber"`
	Type     string `json:"numberType,omitempty"`         // directRouting unless given, callingPlan or operatorConnect
	Category string `json:"assignmentCategory,omitempty"` // primary unless given
}

// unassignment is an operation that takes a number away.
type unassignment struct {
	id, number string
	at         time.Time
	status     string
}

// unassign carries out what is due by now.
func (t *Tenant) unassign() {
	for _, u := range t.unassigned {
		due := u.at.Add(time.Duration(t.settings.NumbersTake))
		if u.status != "running" || t.now().Before(due) {
			continue
		}
		owner, is := t.numberOf(u.number)
		if t.settings.NumbersFail || owner == nil {
			u.status = "failed"
			continue
		}
		owner.hold(t.now(), func(h *Holdings) { h.Numbers = without(h.Numbers, is) })
		u.status = "succeeded"
	}
}

// numberOf is who has a number, or nil, and how the number is found.
func (t *Tenant) numberOf(number string) (owner *User, is func(PhoneNumber) bool) {
	is = func(n PhoneNumber) bool { return n.Number == number }
	for _, user := range t.users {
		if slices.ContainsFunc(user.Numbers, is) {
			return user, is
		}
	}
	return nil, is
}

func (t *Tenant) listNumbers(q query) answer {
	t.unassign()
	property, id, ok := filtered(q)
	if !ok || property != "assignmentTargetId" {
		return fault(http.StatusBadRequest, "BadRequest", "Invalid filter clause.")
	}
	all := []any{}
	if user := t.find(id); user != nil {
		for _, n := range user.seen.at(t.shown()).Numbers {
			shown := cmp.Or(n.Type, "directRouting")
			if t.settings.CapitalNumbers {
				shown = strings.ToUpper(shown[:1]) + shown[1:]
			}
			all = append(all, map[string]any{
				"id": strings.TrimPrefix(n.Number, "+"), "telephoneNumber": n.Number, "numberType": shown, "assignmentTargetId": user.ID,
				"assignmentCategory": cmp.Or(n.Category, "primary"), "assignmentStatus": "userAssigned", "activationState": "activated", "locationId": nil,
			})
		}
	}
	return collection("admin/teams/telephoneNumberManagement/numberAssignments", all)
}

func (t *Tenant) unassignNumber(q query) answer {
	t.unassign()
	var body struct {
		Number string `json:"telephoneNumber"`
		Type   string `json:"numberType"`
	}
	_ = json.Unmarshal(q.body, &body)
	owner, is := t.numberOf(body.Number)
	switch {
	case !slices.Contains([]string{"directRouting", "callingPlan", "operatorConnect"}, body.Type):
		return fault(http.StatusBadRequest, "BadRequest", "Requested value '"+body.Type+"' was not found.")
	case owner == nil:
		return fault(http.StatusBadRequest, "BadRequest", "The telephone number is not assigned.")
	case cmp.Or(find(owner.Numbers, is).Type, "directRouting") != body.Type:
		return fault(http.StatusBadRequest, "BadRequest", "The telephone number is of another type.")
	}
	u := &unassignment{id: uuid.NewString(), number: body.Number, at: t.now(), status: "running"}
	t.unassigned = append(t.unassigned, u)
	return answer{status: http.StatusAccepted}.with("Location", "https://graph.microsoft.com/v1.0"+numbersPath+"/operations('"+u.id+"')")
}

func (t *Tenant) getOperation(q query) answer {
	t.unassign()
	for _, u := range t.unassigned {
		if u.id == q.named["operation"] {
			return entity("admin/teams/telephoneNumberManagement/operations/$entity", map[string]any{
				"id": u.id, "createdDateTime": stamp(u.at), "status": u.status, "numbers": []any{map[string]any{"status": u.status}},
			})
		}
	}
	return fault(http.StatusNotFound, "NotFound", "The operation was not found.")
}
