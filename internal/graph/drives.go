package graph

import (
	"context"
	"net/http"
	"slices"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var (
	getDrive        = call{http.MethodGet, "get the OneDrive", "Files.Read.All"}
	getRoot         = call{http.MethodGet, "get the root of the OneDrive", "Files.Read.All"}
	listPermissions = call{http.MethodGet, "list the permissions of the OneDrive", "Files.Read.All"}
	invite          = call{http.MethodPost, "invite to the OneDrive", "Files.ReadWrite.All"}
)

// Drive is a user's OneDrive.
type Drive struct {
	ID     string `json:"id"`
	RootID string `json:"-"`
}

// Drive reads a user's OneDrive. One that was never made is an Error with status 404.
//
// Microsoft: https://learn.microsoft.com/graph/api/drive-get
func (c *Client) Drive(ctx context.Context, userID string) (Drive, error) {
	var drive Drive
	if err := c.do(ctx, getDrive, c.user(userID, "/drive?$select=id"), nil, &drive); err != nil {
		return Drive{}, err
	}
	if drive.ID == "" {
		return Drive{}, getDrive.unusable("the answer lacks an id")
	}
	var root struct {
		ID string `json:"id"`
	}
	if err := c.do(ctx, getRoot, c.object("/drives", drive.ID, "/root?$select=id"), nil, &root); err != nil {
		return Drive{}, err
	}
	if root.ID == "" {
		return Drive{}, getRoot.unusable("the answer lacks an id")
	}
	drive.RootID = root.ID
	return drive, nil
}

// DrivePermission is what somebody may do with a OneDrive.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/permission
type DrivePermission struct {
	ID        string   `json:"id"`
	Roles     []string `json:"roles"`
	GrantedTo struct {
		User struct {
			ID string `json:"id"`
		} `json:"user"`
	} `json:"grantedToV2"`
	// Error is set where an invitation of which Graph tells success did not reach who was invited.
	Error *struct {
		Code string `json:"code"`
	} `json:"error"`
}

// LetsWrite reports whether a permission lets a user write.
func (p DrivePermission) LetsWrite(userID string) bool {
	return p.ID != "" && ascii.EqualFold(p.GrantedTo.User.ID, userID) && (slices.Contains(p.Roles, "write") || slices.Contains(p.Roles, "owner"))
}

// DrivePermissions lists who may do what with a OneDrive as a whole.
//
// Microsoft: https://learn.microsoft.com/graph/api/driveitem-list-permissions
func (c *Client) DrivePermissions(ctx context.Context, driveID, rootID string) ([]DrivePermission, error) {
	return list[DrivePermission](ctx, c, listPermissions, c.below("/drives", driveID, "/items", rootID, "/permissions"))
}

// InviteToDrive lets a user write to a OneDrive. It sends no mail. Graph may answer with success and have done nothing:
// the permissions tell.
//
// Microsoft: https://learn.microsoft.com/graph/api/driveitem-invite
func (c *Client) InviteToDrive(ctx context.Context, driveID, rootID, userID string) ([]DrivePermission, error) {
	body := map[string]any{
		"recipients": []map[string]string{{"objectId": userID}}, "roles": []string{"write"}, "requireSignIn": true, "sendInvitation": false,
	}
	var answer struct {
		Value []DrivePermission `json:"value"`
	}
	err := c.do(ctx, invite, c.below("/drives", driveID, "/items", rootID, "/invite"), body, &answer)
	return answer.Value, err
}
