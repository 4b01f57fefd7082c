package graphsim

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver/internal/ascii"
)

const (
	packagesPath        = "/identityGovernance/entitlementManagement/assignments"
	packageRequestsPath = "/identityGovernance/entitlementManagement/assignmentRequests"
)

var (
	readsPackages = [][]string{{"EntitlementManagement.Read.All"}, {"EntitlementManagement.ReadWrite.All"}}
	packageRoutes = []route{
		{http.MethodGet, packagesPath, readsPackages, (*Tenant).listPackages},
		{http.MethodGet, packageRequestsPath, readsPackages, (*Tenant).listPackageRequests},
		{http.MethodPost, packageRequestsPath, readsPackages[1:], (*Tenant).requestRemoval},
	}
)

// Package is an access package that a user was given.
type Package struct {
	ID        string `json:"id"` // that of the assignment
	PackageID string `json:"accessPackageId"`
	Name      string `json:"displayName"`
	PolicyID  string `json:"assignmentPolicyId"`
	State     string `json:"state"` // delivered unless given
}

// removal is a request that an access package is taken away.
type removal struct {
	id, state string
	at        time.Time
	user      *User
	of        Package
}

// deliver carries out what is due by now.
func (t *Tenant) deliver() {
	for _, r := range t.removals {
		due := r.at.Add(time.Duration(t.settings.PackagesTake))
		switch {
		case r.state != "submitted" || t.now().Before(due):
		case t.settings.PackagesFail:
			r.state = "deliveryFailed"
		default:
			r.state = "delivered"
			r.user = t.users[r.user.ID]
			r.user.hold(t.now(), func(h *Holdings) {
				h.Packages = without(h.Packages, func(Package) bool { return false })
				if p := find(h.Packages, func(p Package) bool { return p.ID == r.of.ID }); p != nil {
					p.State = "expired"
				}
			})
		}
	}
}

func (t *Tenant) listPackages(q query) answer {
	t.deliver()
	property, id, ok := filtered(q)
	if !ok || property != "target/objectId" {
		return fault(http.StatusBadRequest, "BadRequest", "Invalid filter clause.")
	}
	all := []any{}
	if user := t.find(id); user != nil {
		for _, p := range user.seen.at(t.shown()).Packages {
			all = append(all, map[string]any{
				"id": p.ID, "state": p.State, "status": p.State, "target": map[string]any{"id": user.ID, "objectId": user.ID},
				"accessPackage": map[string]any{"id": p.PackageID, "displayName": p.Name}, "assignmentPolicy": map[string]any{"id": p.PolicyID, "displayName": "Initial Policy"},
			})
		}
	}
	return collection("identityGovernance/entitlementManagement/assignments", all)
}

func (t *Tenant) listPackageRequests(q query) answer {
	t.deliver()
	property, id, ok := filtered(q)
	if !ok || property != "accessPackage/id" {
		return fault(http.StatusBadRequest, "BadRequest", "Invalid filter clause.")
	}
	all := []any{}
	for _, r := range t.removals {
		if ascii.EqualFold(r.of.PackageID, id) {
			row := r.properties()
			row["accessPackage"], row["assignment"] = map[string]any{"id": r.of.PackageID, "displayName": r.of.Name}, map[string]any{"id": r.of.ID}
			all = append(all, row)
		}
	}
	return collection("identityGovernance/entitlementManagement/assignmentRequests", all)
}

func (r *removal) properties() map[string]any {
	return map[string]any{"id": r.id, "requestType": "adminRemove", "state": r.state, "status": r.state, "createdDateTime": r.at.UTC().Format(time.RFC3339Nano)}
}

func (t *Tenant) requestRemoval(q query) answer {
	t.deliver()
	var body struct {
		RequestType string `json:"requestType"`
		Assignment  struct {
			ID string `json:"id"`
		} `json:"assignment"`
	}
	if json.Unmarshal(q.body, &body) != nil || body.RequestType != "adminRemove" {
		return fault(http.StatusBadRequest, "BadRequest", "The request type is not valid.")
	}
	for _, r := range t.removals {
		if r.of.ID == body.Assignment.ID && r.state == "submitted" {
			return fault(http.StatusBadRequest, "BadRequest", "An open request for the same assignment exists already.")
		}
	}
	for _, user := range t.users {
		if p := find(user.Packages, func(p Package) bool { return p.ID == body.Assignment.ID && p.State != "expired" }); p != nil {
			r := &removal{id: uuid.NewString(), state: "submitted", at: t.now(), user: user, of: *p}
			t.removals = append(t.removals, r)
			a := entity("identityGovernance/entitlementManagement/assignmentRequests/$entity", r.properties())
			a.status = http.StatusCreated
			return a
		}
	}
	return fault(http.StatusNotFound, "ResourceNotFound", "The assignment was not found.")
}
