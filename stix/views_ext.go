package stix

import "github.com/go-json-experiment/json/jsontext"

// Views of the predefined extensions of cyber-observables; see [Object.Extension].

// ArchiveExt is archive-ext of a file (STIX 2.1 §6.7.2).
type ArchiveExt struct {
	ContainsRefs []string `json:"contains_refs"`
	Comment      string   `json:"comment"`
}

// NTFSExt is ntfs-ext of a file (STIX 2.1 §6.7.3).
type NTFSExt struct {
	SID                  string                `json:"sid"`
	AlternateDataStreams []AlternateDataStream `json:"alternate_data_streams"`
}

// AlternateDataStream is a stream of a file on NTFS (STIX 2.1 §6.7.3.2).
type AlternateDataStream struct {
	Name   string            `json:"name"`
	Hashes map[string]string `json:"hashes"`
	Size   *int64            `json:"size"`
}

// PDFExt is pdf-ext of a file (STIX 2.1 §6.7.4).
type PDFExt struct {
	Version          string                    `json:"version"`
	IsOptimized      *bool                     `json:"is_optimized"`
	DocumentInfoDict map[string]jsontext.Value `json:"document_info_dict"`
	PDFID0           string                    `json:"pdfid0"`
	PDFID1           string                    `json:"pdfid1"`
}

// RasterImageExt is raster-image-ext of a file (STIX 2.1 §6.7.5): pixels and bits.
type RasterImageExt struct {
	ImageHeight  *int64                    `json:"image_height"`
	ImageWidth   *int64                    `json:"image_width"`
	BitsPerPixel *int64                    `json:"bits_per_pixel"`
	EXIFTags     map[string]jsontext.Value `json:"exif_tags"`
}

// WindowsPEBinaryExt is windows-pebinary-ext of a file (STIX 2.1 §6.7.6).
type WindowsPEBinaryExt struct {
	PEType                  string            `json:"pe_type"`
	Imphash                 string            `json:"imphash"`
	MachineHex              string            `json:"machine_hex"`
	NumberOfSections        *int64            `json:"number_of_sections"`
	TimeDateStamp           Timestamp         `json:"time_date_stamp"`
	PointerToSymbolTableHex string            `json:"pointer_to_symbol_table_hex"`
	NumberOfSymbols         *int64            `json:"number_of_symbols"`
	SizeOfOptionalHeader    *int64            `json:"size_of_optional_header"`
	CharacteristicsHex      string            `json:"characteristics_hex"`
	FileHeaderHashes        map[string]string `json:"file_header_hashes"`
	OptionalHeader          *PEOptionalHeader `json:"optional_header"`
	Sections                []PESection       `json:"sections"`
}

// PEOptionalHeader is STIX 2.1 §6.7.6.2.
type PEOptionalHeader struct {
	MagicHex                string            `json:"magic_hex"`
	MajorLinkerVersion      *int64            `json:"major_linker_version"`
	MinorLinkerVersion      *int64            `json:"minor_linker_version"`
	SizeOfCode              *int64            `json:"size_of_code"`
	SizeOfInitializedData   *int64            `json:"size_of_initialized_data"`
	SizeOfUninitializedData *int64            `json:"size_of_uninitialized_data"`
	AddressOfEntryPoint     *int64            `json:"address_of_entry_point"`
	BaseOfCode              *int64            `json:"base_of_code"`
	BaseOfData              *int64            `json:"base_of_data"`
	ImageBase               *int64            `json:"image_base"`
	SectionAlignment        *int64            `json:"section_alignment"`
	FileAlignment           *int64            `json:"file_alignment"`
	MajorOSVersion          *int64            `json:"major_os_version"`
	MinorOSVersion          *int64            `json:"minor_os_version"`
	MajorImageVersion       *int64            `json:"major_image_version"`
	MinorImageVersion       *int64            `json:"minor_image_version"`
	MajorSubsystemVersion   *int64            `json:"major_subsystem_version"`
	MinorSubsystemVersion   *int64            `json:"minor_subsystem_version"`
	Win32VersionValueHex    string            `json:"win32_version_value_hex"`
	SizeOfImage             *int64            `json:"size_of_image"`
	SizeOfHeaders           *int64            `json:"size_of_headers"`
	ChecksumHex             string            `json:"checksum_hex"`
	SubsystemHex            string            `json:"subsystem_hex"`
	DLLCharacteristicsHex   string            `json:"dll_characteristics_hex"`
	SizeOfStackReserve      *int64            `json:"size_of_stack_reserve"`
	SizeOfStackCommit       *int64            `json:"size_of_stack_commit"`
	SizeOfHeapReserve       *int64            `json:"size_of_heap_reserve"`
	SizeOfHeapCommit        *int64            `json:"size_of_heap_commit"`
	LoaderFlagsHex          string            `json:"loader_flags_hex"`
	NumberOfRVAAndSizes     *int64            `json:"number_of_rva_and_sizes"`
	Hashes                  map[string]string `json:"hashes"`
}

// PESection is a section of a PE binary (STIX 2.1 §6.7.6.3).
type PESection struct {
	Name    string            `json:"name"`
	Size    *int64            `json:"size"`
	Entropy *float64          `json:"entropy"`
	Hashes  map[string]string `json:"hashes"`
}

// HTTPRequestExt is http-request-ext of network-traffic (STIX 2.1 §6.12.2).
type HTTPRequestExt struct {
	RequestMethod      string              `json:"request_method"`
	RequestValue       string              `json:"request_value"`
	RequestVersion     string              `json:"request_version"`
	RequestHeader      map[string][]string `json:"request_header"`
	MessageBodyLength  *int64              `json:"message_body_length"`
	MessageBodyDataRef string              `json:"message_body_data_ref"`
}

// ICMPExt is icmp-ext of network-traffic (STIX 2.1 §6.12.3).
type ICMPExt struct {
	ICMPTypeHex string `json:"icmp_type_hex"`
	ICMPCodeHex string `json:"icmp_code_hex"`
}

// SocketExt is socket-ext of network-traffic (STIX 2.1 §6.12.4).
type SocketExt struct {
	AddressFamily    string           `json:"address_family"`
	IsBlocking       *bool            `json:"is_blocking"`
	IsListening      *bool            `json:"is_listening"`
	Options          map[string]int64 `json:"options"`
	SocketType       string           `json:"socket_type"`
	SocketDescriptor *int64           `json:"socket_descriptor"`
	SocketHandle     *int64           `json:"socket_handle"`
}

// TCPExt is tcp-ext of network-traffic (STIX 2.1 §6.12.5).
type TCPExt struct {
	SrcFlagsHex string `json:"src_flags_hex"`
	DstFlagsHex string `json:"dst_flags_hex"`
}

// WindowsProcessExt is windows-process-ext of a process (STIX 2.1 §6.13.2).
type WindowsProcessExt struct {
	ASLREnabled    *bool                     `json:"aslr_enabled"`
	DEPEnabled     *bool                     `json:"dep_enabled"`
	Priority       string                    `json:"priority"`
	OwnerSID       string                    `json:"owner_sid"`
	WindowTitle    string                    `json:"window_title"`
	StartupInfo    map[string]jsontext.Value `json:"startup_info"`
	IntegrityLevel string                    `json:"integrity_level"`
}

// WindowsServiceExt is windows-service-ext of a process (STIX 2.1 §6.13.3).
type WindowsServiceExt struct {
	ServiceName    string   `json:"service_name"`
	Descriptions   []string `json:"descriptions"`
	DisplayName    string   `json:"display_name"`
	GroupName      string   `json:"group_name"`
	StartType      string   `json:"start_type"`
	ServiceDLLRefs []string `json:"service_dll_refs"`
	ServiceType    string   `json:"service_type"`
	ServiceStatus  string   `json:"service_status"`
}

// UnixAccountExt is unix-account-ext of a user-account (STIX 2.1 §6.16.2).
type UnixAccountExt struct {
	GID     *int64   `json:"gid"`
	Groups  []string `json:"groups"`
	HomeDir string   `json:"home_dir"`
	Shell   string   `json:"shell"`
}
