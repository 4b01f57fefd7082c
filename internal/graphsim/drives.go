package graphsim

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/google/uuid"
)

var (
	readsFiles  = [][]string{{"Files.Read.All"}, {"Files.ReadWrite.All"}, {"Sites.Read.All"}, {"Sites.ReadWrite.All"}}
	writesFiles = [][]string{{"Files.ReadWrite.All"}, {"Sites.ReadWrite.All"}}
	driveRoutes = []route{
		{http.MethodGet, "/users/{id}/drive", readsFiles, (*Tenant).getDrive},
		{http.MethodGet, "/drives/{drive}/root", readsFiles, (*Tenant).getRoot},
		{http.MethodGet, "/drives/{drive}/items/{item}/permissions", readsFiles, (*Tenant).listDrivePermissions},
		{http.MethodPost, "/drives/{drive}/items/{item}/invite", writesFiles, (*Tenant).inviteToDrive},
	}
)

// Drive is a user's OneDrive.
type Drive struct {
	ID          string            `json:"id"`
	RootID      string            `json:"rootId"`
	Permissions []DrivePermission `json:"permissions,omitempty"`
}

// DrivePermission is what a user may do with a OneDrive as a whole.
type DrivePermission struct {
	ID     string   `json:"id"`
	UserID string   `json:"userId"`
	Roles  []string `json:"roles"`
}

func (p DrivePermission) properties() map[string]any {
	return map[string]any{"id": p.ID, "roles": p.Roles, "grantedToV2": map[string]any{"user": map[string]any{"id": p.UserID}}}
}

func (t *Tenant) getDrive(q query) answer {
	if q.user.Drive == nil {
		return fault(http.StatusNotFound, "ResourceNotFound", "User's mysite not found.")
	}
	return entity("users('"+q.user.ID+"')/drive/$entity", selected(q, map[string]any{"id": q.user.Drive.ID, "driveType": "business"}))
}

// driveOf is who has the OneDrive that a path names, or nil; an item other than the root there is not.
func (t *Tenant) driveOf(q query) *User {
	for _, user := range t.users {
		if user.Drive != nil && user.Drive.ID == q.named["drive"] && (q.named["item"] == "" || q.named["item"] == user.Drive.RootID) {
			return user
		}
	}
	return nil
}

func noItem() answer {
	return fault(http.StatusNotFound, "itemNotFound", "The resource could not be found.")
}

func (t *Tenant) getRoot(q query) answer {
	user := t.driveOf(q)
	if user == nil {
		return noItem()
	}
	return entity("drives/root/$entity", selected(q, map[string]any{"id": user.Drive.RootID, "name": "root"}))
}

func (t *Tenant) listDrivePermissions(q query) answer {
	user := t.driveOf(q)
	if user == nil {
		return noItem()
	}
	all := []any{}
	for _, p := range user.seen.at(t.shown()).Drive.Permissions {
		all = append(all, p.properties())
	}
	return collection("permissions", all)
}

func (t *Tenant) inviteToDrive(q query) answer {
	var body struct {
		Recipients []struct {
			ObjectID string `json:"objectId"`
		} `json:"recipients"`
		Roles []string `json:"roles"`
	}
	user := t.driveOf(q)
	switch {
	case user == nil:
		return noItem()
	case json.Unmarshal(q.body, &body) != nil || len(body.Recipients) == 0:
		return fault(http.StatusBadRequest, "invalidRequest", "One or more recipients are required.")
	case slices.Contains(body.Roles, "owner"):
		return fault(http.StatusBadRequest, "invalidRequest", "Invalid value for role")
	}
	all := []any{}
	for _, recipient := range body.Recipients {
		invited := t.find(recipient.ObjectID)
		dead := t.settings.DeadInvitations
		switch {
		case invited == nil:
			dead = "notFound"
		case dead == "silent":
			continue
		}
		if dead != "" {
			all = append(all, map[string]any{"error": map[string]any{"code": dead, "message": "The user could not be invited."}})
			continue
		}
		permission := DrivePermission{ID: uuid.NewString(), UserID: invited.ID, Roles: body.Roles}
		is := func(p DrivePermission) bool { return p.UserID == invited.ID }
		if known := find(user.Drive.Permissions, is); known != nil { // SharePoint has one for each user
			permission.ID = known.ID
		}
		user.hold(t.now(), func(h *Holdings) {
			drive := *h.Drive
			drive.Permissions = append(without(drive.Permissions, is), permission)
			h.Drive = &drive
		})
		all = append(all, permission.properties())
	}
	return collection("permissions", all)
}
