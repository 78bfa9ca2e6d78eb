module wild

go 1.24
