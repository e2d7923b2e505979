//! Reads history and advises: which stages, how long, how sure. Writes nothing.
