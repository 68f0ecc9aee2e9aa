const DOCUMENTATION_OPTIONS = { URL_ROOT: "" }; // what the copy button asks for
