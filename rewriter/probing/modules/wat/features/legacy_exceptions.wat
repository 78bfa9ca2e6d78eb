;; An exception as compilers wrote it before version 3 of the specification (try, catch_all).
(tag $thrown)
(func $feature
  try
    throw $thrown
  catch_all
  end)
