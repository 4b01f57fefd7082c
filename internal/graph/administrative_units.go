package graph

import (
	"context"
	"net/http"
	"strings"
)

var (
	listMemberOf            = call{http.MethodGet, "list memberOf", "Directory.Read.All"}
	leaveAdministrativeUnit = call{http.MethodDelete, "remove a member of an administrativeUnit", "AdministrativeUnit.ReadWrite.All"}
)

// AdministrativeUnit is a part of the directory that has administrators of its own.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/administrativeunit
type AdministrativeUnit struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	// MembershipType is Dynamic where a rule says who is a member.
	MembershipType string `json:"membershipType"`
	// IsMemberManagementRestricted says that only administrators of the unit may change its members.
	IsMemberManagementRestricted bool `json:"isMemberManagementRestricted"`
}

// AdministrativeUnits lists the administrative units that a user is a member of.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-memberof
func (c *Client) AdministrativeUnits(ctx context.Context, userID string) ([]AdministrativeUnit, error) {
	rows, err := list[struct {
		AdministrativeUnit
		Type string `json:"@odata.type"`
	}](ctx, c, listMemberOf, c.user(userID, "/memberOf?$select=id,displayName,membershipType,isMemberManagementRestricted"))
	var units []AdministrativeUnit
	for _, r := range rows {
		switch {
		case r.Type == "":
			return nil, listMemberOf.unusable("a row does not tell what it is")
		case strings.HasSuffix(r.Type, ".administrativeUnit"):
			units = append(units, r.AdministrativeUnit)
		}
	}
	return units, err
}

// LeaveAdministrativeUnit takes a user, by object id, out of an administrative unit.
//
// Microsoft: https://learn.microsoft.com/graph/api/administrativeunit-delete-members
func (c *Client) LeaveAdministrativeUnit(ctx context.Context, unitID, userID string) error {
	return c.do(ctx, leaveAdministrativeUnit, c.below("/directory/administrativeUnits", unitID, "/members", userID, "/$ref"), nil, nil)
}
