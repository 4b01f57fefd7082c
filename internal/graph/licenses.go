package graph

import (
	"context"
	"net/http"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var (
	getLicenses        = call{http.MethodGet, "get licenseAssignmentStates", "User.Read.All"}
	listLicenseDetails = call{http.MethodGet, "list licenseDetails", "User.Read.All"}
	removeLicense      = call{http.MethodPost, "assignLicense", "LicenseAssignment.ReadWrite.All"}
)

// Licenses is what licences a user has, and where they come from.
type Licenses struct {
	// UsageLocation is the country whose law decides which licences the user may have.
	UsageLocation string
	Assigned      []AssignedLicense
	// States has one row for each source of a licence: the user, and each group.
	States []LicenseState
}

// AssignedLicense is a licence that counts for a user.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/assignedlicense
type AssignedLicense struct {
	SkuID string `json:"skuId"`
}

// LicenseState is a licence from one source, whether it counts or not.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/licenseassignmentstate
type LicenseState struct {
	SkuID string `json:"skuId"`
	// AssignedByGroup is the object id of the group that gives the licence, or empty where it is the user's own.
	AssignedByGroup string `json:"assignedByGroup"`
	// State is Active, ActiveWithError, Disabled or Error.
	State         string   `json:"state"`
	DisabledPlans []string `json:"disabledPlans"`
}

// Licenses reads the licences of a user, by object id or user principal name.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-get
func (c *Client) Licenses(ctx context.Context, userID string) (Licenses, error) {
	// The lists are pointers here: an answer without them must not be taken for a user without licences.
	var read struct {
		ID                string             `json:"id"`
		UserPrincipalName string             `json:"userPrincipalName"`
		UsageLocation     string             `json:"usageLocation"`
		Assigned          *[]AssignedLicense `json:"assignedLicenses"`
		States            *[]LicenseState    `json:"licenseAssignmentStates"`
	}
	if err := c.do(ctx, getLicenses, c.user(userID, "?$select=id,userPrincipalName,assignedLicenses,licenseAssignmentStates,usageLocation"), nil, &read); err != nil {
		return Licenses{}, err
	}
	hidden := func(property string) error {
		return &HiddenError{Call: getLicenses.name, Property: property, Permission: getLicenses.permission, Token: c.token.Kind()}
	}
	switch {
	case read.ID == "":
		return Licenses{}, getLicenses.unusable("the answer lacks an id")
	case !ascii.EqualFold(read.ID, userID) && !ascii.EqualFold(read.UserPrincipalName, userID):
		return Licenses{}, ErrOtherUser
	case read.Assigned == nil:
		return Licenses{}, hidden("assignedLicenses")
	case read.States == nil:
		return Licenses{}, hidden("licenseAssignmentStates")
	}
	for _, state := range *read.States {
		if state.SkuID == "" {
			return Licenses{}, getLicenses.unusable("a licence does not tell which it is")
		}
	}
	return Licenses{read.UsageLocation, *read.Assigned, *read.States}, nil
}

// LicenseDetail says what a licence is called and what it is for.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/licensedetails
type LicenseDetail struct {
	SkuID         string `json:"skuId"`
	SkuPartNumber string `json:"skuPartNumber"`
	ServicePlans  []struct {
		ServicePlanName string `json:"servicePlanName"`
	} `json:"servicePlans"`
}

// LicenseDetails lists what the licences of a user are called.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-licensedetails
func (c *Client) LicenseDetails(ctx context.Context, userID string) ([]LicenseDetail, error) {
	return list[LicenseDetail](ctx, c, listLicenseDetails, c.user(userID, "/licenseDetails"))
}

// RemoveLicense takes one licence from a user that is the user's own and no group's. It is one licence to a call:
// Graph refuses all of a call for one licence that it does not take.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-assignlicense
func (c *Client) RemoveLicense(ctx context.Context, userID, skuID string) error {
	body := map[string]any{"addLicenses": []any{}, "removeLicenses": []string{skuID}}
	var user struct {
		ID string `json:"id"`
	}
	if err := c.do(ctx, removeLicense, c.user(userID, "/assignLicense"), body, &user); err != nil {
		return err
	}
	if user.ID == "" {
		return removeLicense.unusable("the answer is no user")
	}
	return nil
}
