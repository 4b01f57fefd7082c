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

// DriveID is the id of a user's OneDrive. One that was never made is an Error with status 404.
//
// Microsoft: https://learn.microsoft.com/graph/api/drive-get
func (c *Client) DriveID(ctx context.Context, userID string) (string, error) {
	return c.idOf(ctx, getDrive, c.user(userID, "/drive?$select=id"))
}

// DriveRootID is the id of the folder that holds everything in a OneDrive.
//
// Microsoft: https://learn.microsoft.com/graph/api/driveitem-get
func (c *Client) DriveRootID(ctx context.Context, driveID string) (string, error) {
	return c.idOf(ctx, getRoot, c.object("/drives", driveID, "/root?$select=id"))
}

func (c *Client) idOf(ctx context.Context, call call, endpoint string) (string, error) {
	var object struct {
		ID string `json:"id"`
	}
	if err := c.do(ctx, call, endpoint, nil, &object); err != nil {
		return "", err
	}
	if object.ID == "" {
		return "", call.unusable("the answer lacks an id")
	}
	return object.ID, nil
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
