package taxii

// The resources of TAXII 2.1 as they go over the wire, in the order in which the specification lists their properties.

// discoveryResource is section 4.1.1.
type discoveryResource struct {
	Title       string   `json:"title"`
	Description string   `json:"description,omitzero"`
	Contact     string   `json:"contact,omitzero"`
	Default     string   `json:"default,omitzero"`
	APIRoots    []string `json:"api_roots,omitempty"`
}

// apiRootResource is section 4.2.1.
type apiRootResource struct {
	Title            string   `json:"title"`
	Description      string   `json:"description,omitzero"`
	Versions         []string `json:"versions"`
	MaxContentLength int64    `json:"max_content_length"`
}

// collectionsResource is section 5.1.1.
type collectionsResource struct {
	Collections []collectionResource `json:"collections,omitempty"`
}

// collectionResource is section 5.2.1.
type collectionResource struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitzero"`
	Alias       string   `json:"alias,omitzero"`
	CanRead     bool     `json:"can_read"`
	CanWrite    bool     `json:"can_write"`
	MediaTypes  []string `json:"media_types,omitempty"`
}

// statusResource is section 4.3.1.
type statusResource struct {
	ID               string         `json:"id"`
	Status           string         `json:"status"` // complete or pending
	RequestTimestamp string         `json:"request_timestamp,omitzero"`
	TotalCount       int            `json:"total_count"`
	SuccessCount     int            `json:"success_count"`
	Successes        []statusDetail `json:"successes,omitempty"`
	FailureCount     int            `json:"failure_count"`
	Failures         []statusDetail `json:"failures,omitempty"`
	PendingCount     int            `json:"pending_count"`
	Pendings         []statusDetail `json:"pendings,omitempty"`
}

// statusDetail is section 4.3.2.
type statusDetail struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Message string `json:"message,omitzero"`
}

// manifestRecord is section 5.3.1.
type manifestRecord struct {
	ID        string `json:"id"`
	DateAdded string `json:"date_added"`
	Version   string `json:"version"`
	MediaType string `json:"media_type"`
}

// errorResource is section 3.6.1.
type errorResource struct {
	Title       string            `json:"title"`
	Description string            `json:"description,omitzero"`
	ErrorID     string            `json:"error_id,omitzero"`
	ErrorCode   string            `json:"error_code,omitzero"`
	HTTPStatus  string            `json:"http_status,omitzero"`
	Details     map[string]string `json:"details,omitempty"`
}
