//! Files → units: finds, reads and links modules, the built-in library included. Knows no keyword but `import`.
